// Keeps a server that names no address on loopback, and ends it when standard input ends. For `node --import`.
import net from 'node:net'

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, Number(port), '127.0.0.1', ...rest)
}
process.stdin.on('end', () => process.exit(0)).resume()
