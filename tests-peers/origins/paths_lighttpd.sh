#!/bin/sh
# Debian's lighttpd with a folder of files; runs until it is ended.
# usage: paths_lighttpd.sh FOLDER PORT; FOLDER/files is what it serves
set -e
cat > "$1/lighttpd.conf" <<CONF
server.document-root = "$1/files"
server.bind = "127.0.0.1"
server.port = $2
mimetype.assign = ("" => "application/octet-stream")
CONF
exec lighttpd -D -f "$1/lighttpd.conf"
