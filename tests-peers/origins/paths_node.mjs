// A file server as Node's documentation teaches it: WHATWG's URL, then path.join.
// usage: node paths_node.mjs FOLDER PORT
import http from 'node:http';
import fs from 'node:fs';
import path from 'node:path';

const [folder, port] = process.argv.slice(2);
const root = path.resolve(folder);
const answer = (request, response) => {
  try {
    const { pathname } = new URL(request.url, 'http://origin.example');
    const file = path.join(root, decodeURIComponent(pathname));
    fs.readFile(file, (error, bytes) => response.writeHead(error ? 404 : 200).end(bytes ?? ''));
  } catch {
    response.writeHead(400).end();
  }
};
http.createServer(answer).listen(Number(port), '127.0.0.1');
