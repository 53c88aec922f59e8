#!/bin/sh
# Debian's h2o with a folder of files; runs until it is ended.
# usage: paths_h2o.sh FOLDER PORT; FOLDER/files is what it serves
set -e
cat > "$1/h2o.conf" <<YAML
listen:
  host: 127.0.0.1
  port: $2
user: $(id -un)
num-threads: 1
hosts:
  default:
    paths:
      /:
        file.dir: $1/files
YAML
exec h2o -c "$1/h2o.conf"
