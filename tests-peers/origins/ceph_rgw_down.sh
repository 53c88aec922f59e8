#!/bin/bash
# Ends what ceph_rgw_up.sh started in FOLDER and takes the folder away.
#   ceph_rgw_down.sh FOLDER
set -u
folder=$(realpath -m "$1")
if [ -f "$folder/pids" ]; then
    # The gateway first: it would wait for the others.
    for pid in $(tac "$folder/pids"); do
        # A number may have been given to another process meanwhile.
        if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$folder/ceph.conf"; then
            kill -KILL "$pid"
        fi
    done
    rm -rf "$folder"
fi
