#!/bin/bash
# Runs a throw-away Ceph with its S3 gateway on loopback: one monitor, one object store in memory (or, for
# benches, in a file), one gateway.
#   [CEPH_STORE=memstore|bluestore] [CEPH_STORE_BYTES=…] ceph_rgw_up.sh FOLDER
# Prints the gateway's URL once it answers, and runs until standard input ends; whoever holds the other end of that
# pipe may die without leaving anything behind. Ports are chosen free, so several may run at once.
set -euo pipefail
folder=$(realpath -m "$1")
store=${CEPH_STORE:-memstore}
store_bytes=${CEPH_STORE_BYTES:-1073741824}
rm -rf "$folder"
mkdir -p "$folder"/{mon,osd,log}

# A child that outlives this script would keep ports and memory.
with_us() {
    setpriv --pdeathsig KILL "$@" </dev/null >>"$folder/log/out" 2>&1 &
    echo $! >>"$folder/pids"
    # Nobody needs to read that it was killed in the end.
    disown
}
down() { "$(dirname "$0")/ceph_rgw_down.sh" "$folder"; }
trap down EXIT
trap 'exit 1' HUP INT TERM

# wait_for SECONDS COMMAND…
wait_for() {
    local attempts=$(($1 * 5))
    shift
    for _ in $(seq "$attempts"); do
        "$@" >>"$folder/log/out" 2>&1 && return
        sleep 0.2
    done
    echo "$0: gave up waiting for: $*" >&2
    exit 1
}

read -r monitor_v2 monitor_v1 gateway < <(python3 - <<'PYTHON'
import socket
sockets = [socket.socket() for _ in range(3)]
for each in sockets:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in sockets))
PYTHON
)
monitors="[v2:127.0.0.1:$monitor_v2,v1:127.0.0.1:$monitor_v1]"
fsid=$(cat /proc/sys/kernel/random/uuid)

cat >"$folder/ceph.conf" <<CONF
[global]
fsid = $fsid
mon_host = $monitors
public_network = 127.0.0.0/8
osd_pool_default_size = 1
osd_pool_default_min_size = 1
mon_allow_pool_size_one = true
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_crush_chooseleaf_type = 0
mon_max_pg_per_osd = 1000
# The disk of whoever runs tests may be almost full.
mon_data_avail_crit = 1
mon_data_avail_warn = 2
run_dir = $folder
log_file = $folder/log/\$name.log
# The path of a socket has to be short, and nobody asks there.
admin_socket =
pid_file =
keyring = $folder/keyring
[mon.a]
mon_data = $folder/mon
[osd.0]
osd_data = $folder/osd
osd_objectstore = $store
memstore_device_bytes = $store_bytes
bluestore_block_size = $store_bytes
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:$gateway
rgw_dns_name = s3.localhost
CONF

keyring=$folder/keyring
as_configured=(-c "$folder/ceph.conf")
all=(--cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *')
{
    ceph-authtool --create-keyring "$keyring" --gen-key -n mon. --cap mon 'allow *'
    ceph-authtool "$keyring" --gen-key -n client.admin "${all[@]}"
    ceph-authtool "$keyring" --gen-key -n client.rgw "${all[@]}"
    ceph-authtool "$keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' --cap mgr 'allow profile osd'
    monmaptool --create --fsid "$fsid" --addv a "$monitors" "$folder/monmap"
    ceph-mon "${as_configured[@]}" -i a --mkfs --monmap "$folder/monmap" --keyring "$keyring"
} >>"$folder/log/out" 2>&1
with_us ceph-mon "${as_configured[@]}" -i a -f
wait_for 30 timeout 5 ceph "${as_configured[@]}" mon stat

osd=$(cat /proc/sys/kernel/random/uuid)
{
    printf '{"cephx_secret":"%s"}' "$(ceph-authtool "$keyring" -n osd.0 -p)" | ceph "${as_configured[@]}" osd new "$osd" -i -
    ceph-osd "${as_configured[@]}" -i 0 --mkfs --osd-uuid "$osd"
} >>"$folder/log/out" 2>&1
with_us ceph-osd "${as_configured[@]}" -i 0 -f
osd_is_up() { timeout 5 ceph "${as_configured[@]}" osd stat | grep -q '1 up'; }
wait_for 30 osd_is_up
ceph "${as_configured[@]}" osd crush add osd.0 1.0 root=default host=h0 >>"$folder/log/out" 2>&1 || true

with_us radosgw "${as_configured[@]}" -n client.rgw -f
wait_for 120 curl --fail --silent --max-time 5 "http://127.0.0.1:$gateway/"
timeout 60 radosgw-admin "${as_configured[@]}" user create --uid=tests --display-name=Tests \
    --access-key=AKRGW --secret=SKRGW >>"$folder/log/out" 2>&1

echo "http://127.0.0.1:$gateway"
cat >/dev/null
