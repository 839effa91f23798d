# shellcheck shell=bash
# Debian 13's llhttp, unpacked where it disturbs nobody.

# An apt with lists, cache and sources of its own, in DIR.
private_apt() {
  local dir=$1 mirror=$2
  mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/parts"
  : >"$dir/status"
  echo "deb $mirror trixie main" >"$dir/sources.list"
  cat >"$dir/apt.conf" <<END
Dir::State "$dir";
Dir::State::lists "$dir/lists";
Dir::State::status "$dir/status";
Dir::Cache "$dir/cache";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "$dir/parts";
Dir::Etc::preferencesparts "$dir/parts";
APT::Sandbox::User "";
END
}

# The mirror that this machine's own packages come from.
debian_mirror() {
  local mirror
  mirror=$({ cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list \
    2>/dev/null || true; } | grep -v '^#' |
    grep -oE 'https?://[^ ]+/debian/?' | head -n 1) || true
  echo "${mirror:-http://deb.debian.org/debian}"
}

# fetch_llhttp9 DIR: unpacks header and library to DIR/usr.
fetch_llhttp9() {
  local dir apt names package
  mkdir -p "$1"
  dir=$(cd "$1" && pwd)
  [ ! -e "$dir/usr/include/llhttp.h" ] || return 0
  apt=$dir/apt
  private_apt "$apt" "$(debian_mirror)"
  (
    export APT_CONFIG=$apt/apt.conf
    cd "$apt" || exit
    apt-get update -qq || exit
    names=$(apt-cache search --names-only '^libllhttp(-dev|[0-9.]+)$' |
      cut -d' ' -f1)
    [ -n "$names" ] || exit
    # One word for each package.
    # shellcheck disable=SC2086
    apt-get download -qq $names || exit
    for package in ./*.deb; do
      dpkg-deb -x "$package" "$dir" || exit
    done
  )
  [ -e "$dir/usr/include/llhttp.h" ]
}
