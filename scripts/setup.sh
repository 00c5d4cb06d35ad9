#!/usr/bin/env bash
# Installs what the tests and the benches need and this machine lacks. On Debian and its relatives it uses
# apt-get; elsewhere it says what to install. Quick, and silent but for one line, if all is there.
# Exit status: 0 everything is there, 1 something is missing.
set -euo pipefail

# command, Debian package, what it is for
TOOLS=(
  'ffmpeg   ffmpeg    publishes and plays in the end-to-end tests'
  'ffprobe  ffmpeg    looks at what a player received'
  'php      php-cli   runs the auth.php of the custom backend'
  'curl     curl      runs the command lines that the examples print'
  'chromium chromium  plays the page of the HLS example'
  'ps       procps    looks for programs that were left behind'
  'haproxy  haproxy   a TCP proxy that sends PROXY headers'
  'nginx    nginx     the peer in the bench "peers"; shares viewers out to several servers'
  'mpv      mpv       a player of HLS in the end-to-end tests'
  'cvlc     vlc-bin   a player of HLS in the end-to-end tests'
  'gst-launch-1.0 gstreamer1.0-tools a player of HLS in the end-to-end tests'
  'redis-server redis-server what several servers share'
  'prometheus prometheus scrapes the metrics'
  'promtool prometheus checks metrics and alert rules'
  'logrotate logrotate rotates the audit file'
  'systemd-analyze systemd checks the unit'
)
RTMP_MODULE='nginx-rtmp libnginx-mod-rtmp the peer in the bench "peers"'
STREAM_MODULE='nginx-stream libnginx-mod-stream another TCP proxy that sends PROXY headers'

# Debian keeps nginx in /usr/sbin, which is not in everybody's PATH.
PATH="$PATH:/usr/sbin:/sbin"

# has_module NAME: a module of nginx's, as a file of its own or built in
has_module() {
  local dir
  for dir in /usr/lib/nginx/modules /usr/lib64/nginx/modules /usr/share/nginx/modules /usr/local/libexec/nginx; do
    [ -e "$dir/ngx_$1_module.so" ] && return 0
  done
  nginx -V 2>&1 | grep -qE -- "--with-$1( |\$)|add-module=[^ ]*$1"
}

is_there() {
  if [[ "$1" == nginx-* ]]; then has_module "${1#nginx-}"; else command -v "$1" >/dev/null; fi
}

# Sets missing (one "command package purpose" each) and packages.
look() {
  missing=()
  packages=()
  local line name package
  for line in "${TOOLS[@]}" "$RTMP_MODULE" "$STREAM_MODULE"; do
    read -r name package _ <<<"$line"
    if ! is_there "$name"; then
      missing+=("$line")
      [[ " ${packages[*]-} " == *" $package "* ]] || packages+=("$package")
      # Players whose packages hold no more than the program.
      case $package in
        vlc-bin) packages+=(vlc-plugin-base) ;;
        gstreamer1.0-tools) packages+=(gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad) ;;
      esac
    fi
  done
}

tell() {
  local line name package purpose
  echo 'setup: the tests need these, and they are not in PATH:' >&2
  for line in "${missing[@]}"; do
    read -r name package purpose <<<"$line"
    printf '  %-11s %s\n' "$name" "$purpose" >&2
  done
}

look
if [ ${#missing[@]} -eq 0 ]; then
  echo 'setup: everything is there'
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  tell
  echo 'setup: this is not Debian, so please install them with your own package manager.' >&2
  echo "setup: Debian's names are: ${packages[*]}" >&2
  exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    tell
    echo "setup: as root, run: apt-get update && apt-get install --no-install-recommends ${packages[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# The packages of nginx, HAProxy, Redis and Prometheus start daemons. They are wanted as programs only: Debian's own switch for that is
# a policy-rc.d which forbids all starts. One that is there already is the administrator's, and stays.
policy=/usr/sbin/policy-rc.d
new_daemons=()
for daemon in nginx haproxy redis-server prometheus; do
  [[ " ${packages[*]} " == *" $daemon "* ]] && new_daemons+=("$daemon")
done
if [ ! -e "$policy" ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

echo "setup: installing ${packages[*]}"
apt update
apt install --no-install-recommends "${packages[@]}"

# Nor shall they start with the machine.
if [ ${#new_daemons[@]} -gt 0 ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then
  "${as_root[@]}" systemctl disable --now "${new_daemons[@]}" >/dev/null 2>&1 || echo "setup: please check that none of these runs as a service: ${new_daemons[*]}" >&2
fi

hash -r
look
if [ ${#missing[@]} -gt 0 ]; then
  tell
  echo 'setup: apt-get brought no such program. Please install it by hand.' >&2
  exit 1
fi
echo 'setup: everything is there'
