#!/usr/bin/env bash
# Installs stagegate on a GitHub runner: Linux and macOS, x86_64 and arm64; bash 3.2 is enough.
#
# The archive of a release is downloaded and unpacked only when its SHA-256 is the one that checksums.txt, shipped with
# this action, or the input `checksum` says. On github.com, GitHub's build attestation (asked with `gh`, where that is
# there) must then say that this repository's release workflow built it. Where that cannot be had, an archive that met
# checksums.txt is installed all the same, with a warning: its sum stands in the commit that the workflow chose to run,
# and a rollback must not wait for a second service. One that met the input `checksum` alone is not. What was verified is
# kept in the runner's tool cache and is hashed again each time.
#
# Variables, set by action.yml:
#   STAGEGATE_INSTALL_VERSION     such as 1.2.3; empty = the version of checksums.txt
#   STAGEGATE_INSTALL_CHECKSUM    SHA-256 of the archive; empty = from checksums.txt
#   STAGEGATE_INSTALL_REPOSITORY  owner/name of the action; empty = the one below
# and, by whoever has a mirror:
#   STAGEGATE_DOWNLOAD_URL        folder that holds the archives (https://, http:// or file://); empty = GitHub's release
set -euo pipefail
export LC_ALL=C

DEFAULT_REPOSITORY=example/stagegate
WORKFLOW=.github/workflows/release.yml
ATTEMPTS=4
# Of the question about the attestation, where the answer decides.
QUESTIONS=3
VERSION='^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$'

# Data of a workflow command, on one line.
escaped() {
    local text=$1
    text=${text//'%'/%25}
    text=${text//$'\r'/%0D}
    text=${text//$'\n'/%0A}
    printf '%s' "$text"
}

# What is wrong, why, and what to do about it: one annotation, on standard error so that `$(…)` does not swallow it.
refuse() {
    printf '::error title=stagegate was not installed::%s\n' "$(escaped "$1
why: $2
AWS: nothing was changed
fix: $3")" >&2
    exit 1
}

# Text of somebody else, as it may be shown: short and without control characters.
shown() {
    printf '%s' "${1:0:200}" | tr -c '[:alnum:] ._:/@+=,-' '?'
}

# The Rust target of this runner.
target() {
    local system=${RUNNER_OS:-$(uname -s)} machine=${RUNNER_ARCH:-$(uname -m)}
    case $system in
    Linux) system=unknown-linux-musl ;;
    macOS | Darwin) system=apple-darwin ;;
    *) system= ;;
    esac
    case $machine in
    X64 | x86_64 | amd64) machine=x86_64 ;;
    ARM64 | arm64 | aarch64) machine=aarch64 ;;
    *) machine= ;;
    esac
    if [ -z "$system" ] || [ -z "$machine" ]; then
        refuse "no stagegate for $(shown "${RUNNER_OS:-$(uname -s)}") on $(shown "${RUNNER_ARCH:-$(uname -m)}")" \
            "releases hold binaries for Linux and macOS, on X64 and ARM64" \
            "run this job on ubuntu-latest, ubuntu-24.04-arm or macos-latest"
    fi
    printf '%s-%s' "$machine" "$system"
}

# The version that this action was released with; nothing before its first release.
own_version() {
    local version=
    if [ -r "$table" ]; then
        version=$(sed -n "s/^[0-9a-f]\{64\}  stagegate-\([0-9][0-9A-Za-z.-]*\)-$target\.tar\.gz\$/\1/p" "$table")
    fi
    printf '%s' "${version%%$'\n'*}"
}

# The version to install.
version() {
    local wanted=${STAGEGATE_INSTALL_VERSION:-}
    wanted=${wanted#v}
    if [ -z "$wanted" ]; then
        if [ -z "$own" ]; then
            refuse "this commit of the action was not released" \
                "checksums.txt beside install.sh names no archive for $target" \
                "use a released tag, such as $repository@v1, or give stagegate-version and checksum"
        fi
        wanted=$own
    fi
    if ! [[ $wanted =~ $VERSION ]] || [ "${#wanted}" -gt 40 ]; then
        refuse "stagegate-version $(shown "$wanted") is not a version" "a version is such as 1.2.3" \
            "write stagegate-version: 1.2.3, or leave it out"
    fi
    printf '%s' "$wanted"
}

# The SHA-256 that the archive must have.
expected() {
    local sum=${STAGEGATE_INSTALL_CHECKSUM:-}
    if [ -n "$sum" ]; then
        sum=$(printf '%s' "$sum" | tr '[:upper:]' '[:lower:]')
        if ! [[ $sum =~ ^[0-9a-f]{64}$ ]]; then
            refuse "checksum $(shown "$sum") is not a SHA-256" "it is 64 hexadecimal digits" \
                "take it from SHA256SUMS of the release"
        fi
    elif [ -r "$table" ]; then
        sum=$(awk -v name="$archive" '$2 == name { print $1; exit }' "$table")
    fi
    if [ -z "$sum" ]; then
        refuse "no checksum for stagegate $version" \
            "this action knows the archives of version ${own:-(none)} only, and installs nothing unseen" \
            "give checksum: the line of $archive in SHA256SUMS of the release; or leave stagegate-version out"
    fi
    printf '%s' "$sum"
}

sha256() {
    local sum
    if command -v sha256sum >/dev/null; then
        sum=$(sha256sum <"$1")
    elif command -v shasum >/dev/null; then
        sum=$(shasum -a 256 <"$1")
    else
        refuse "this runner cannot compute a SHA-256" "neither sha256sum nor shasum is on its PATH" \
            "install coreutils on the runner"
    fi
    printf '%s' "${sum%% *}"
}

# Whether the runner has what ends a program in time.
can_limit() {
    command -v timeout >/dev/null || command -v perl >/dev/null
}

# Runs a program for so many seconds at most, where that can be done.
limited() {
    local seconds=$1
    shift
    if command -v timeout >/dev/null; then
        timeout "$seconds" "$@"
    elif command -v perl >/dev/null; then
        # The alarm outlives exec, and ends the program.
        perl -e 'alarm shift; exec { $ARGV[0] } @ARGV or exit 127' "$seconds" "$@"
    else
        "$@"
    fi
}

# What gh said, for messages.
refused=

# Downloads the archive to a file as whoever the token stands for: github.com answers 404 for a private or internal
# repository to everybody else.
by_token() {
    local said
    if [ -n "${STAGEGATE_DOWNLOAD_URL:-}" ] || [ -z "${GH_TOKEN:-}" ] || ! command -v gh >/dev/null; then
        return 1
    fi
    if said=$(limited 300 gh release download "v$version" --repo "$repository" --pattern "$archive" \
        --clobber --output "$1" 2>&1); then
        return 0
    fi
    refused="; gh release download: $(printf '%s' "$said" | tail -n 3 | tr -c '[:print:]' ' ')"
    return 1
}

# Downloads an address to a file. A file that is not there is final; anything else is tried again.
download() {
    local address=$1 to=$2 attempt status code
    command -v curl >/dev/null ||
        refuse "this runner has no curl" "the release is downloaded with it" "install curl on the runner"
    for ((attempt = 1; ; attempt++)); do
        status=0
        code=$(curl --fail --silent --show-error --location --proto '=https,http,file' --proto-redir '=https' \
            --connect-timeout 15 --max-time 300 --speed-limit 1024 --speed-time 30 \
            --write-out '%{http_code}' --output "$to" "$address") || status=$?
        case $status/$code in
        0/*) return 0 ;;
        22/404)
            if by_token "$to"; then return 0; fi
            break
            ;;
        22/40[0134] | 37/* | 3/* | 1/*) break ;;
        esac
        [ "$attempt" -lt "$ATTEMPTS" ] || break
        sleep $((attempt * 3))
    done
    refuse "cannot download $(shown "$address")" "curl ended with $status, HTTP $code, at attempt $attempt$refused" \
        "see that the release exists and that the runner may reach it, then run the job again; for a private repository github-token must be one that may read it; a mirror goes into STAGEGATE_DOWNLOAD_URL"
}

# Asks GitHub who built the archive.
attested() {
    if [ "${GITHUB_SERVER_URL:-https://github.com}" != https://github.com ]; then
        echo "this is not github.com, whose attestations these are: the build attestation was not verified, the SHA-256 was"
    elif ! command -v gh >/dev/null; then
        echo "gh is not on this runner: the build attestation was not verified, the SHA-256 was"
    elif [ -z "${GH_TOKEN:-}" ]; then
        echo "github-token is empty: the build attestation was not verified, the SHA-256 was"
    elif ! can_limit; then
        echo "nothing on this runner ends a question that hangs: the build attestation was not verified, the SHA-256 was"
    elif ! gh attestation verify --help >/dev/null 2>&1; then
        echo "this gh is too old for attestations: the build attestation was not verified, the SHA-256 was"
    else
        ask_gh "$1"
    fi
}

# The same. Where the answer decides, what is not answered, or with no, is asked again. Where it does not, a rollback may
# be waiting: one short question.
ask_gh() {
    local said attempt times=$QUESTIONS seconds=30
    [ -n "${STAGEGATE_INSTALL_CHECKSUM:-}" ] || { times=1 seconds=10; }
    for ((attempt = 1; attempt <= times; attempt++)); do
        if said=$(limited "$seconds" gh attestation verify "$1" \
            --repo "$repository" --signer-workflow "$repository/$WORKFLOW" 2>&1); then
            echo "build attestation verified: $repository, $WORKFLOW"
            return 0
        fi
        [ "$attempt" -eq "$times" ] || sleep $((attempt * 2))
    done
    said=$(printf '%s' "$said" | tail -n 3 | tr -c '[:print:]' ' ')
    if [ -n "${STAGEGATE_INSTALL_CHECKSUM:-}" ]; then
        refuse "no build attestation for $archive" "gh attestation verify, asked $times times: $said" \
            "run the job again if GitHub did not answer; otherwise do not use this archive, and tell the maintainers of $repository"
    fi
    printf '::warning title=stagegate has no build attestation::%s\n' "$(escaped "the build attestation of $archive was not verified
why: gh attestation verify, asked once for ${seconds} s: $said
it is used all the same: its SHA-256 is the one in the checksums.txt of this action's own commit
fix: nothing if GitHub did not answer; if the next job says so too, tell the maintainers of $repository")"
}

# The verified archive, in the tool cache.
fetch() {
    local kept=$cache/$archive sum
    if [ -f "$kept" ] && [ "$(sha256 "$kept")" = "$checksum" ]; then
        echo "stagegate $version from the tool cache, SHA-256 verified"
        return 0
    fi
    part=$(mktemp "$cache/.part.XXXXXX")
    download "$folder/$archive" "$part"
    sum=$(sha256 "$part")
    if [ "$sum" != "$checksum" ]; then
        refuse "$archive is not the archive that was released" "its SHA-256 is $sum, expected $checksum" \
            "run the job again if the download was cut short; otherwise do not use it, and tell the maintainers of $repository"
    fi
    attested "$part"
    chmod 644 "$part"
    mv -f "$part" "$kept"
    echo "stagegate $version downloaded, SHA-256 verified"
}

# Unpacks the program beside its final name, and moves it there in one step.
unpack() {
    local said
    mkdir -p "$bin"
    part=$(mktemp "$bin/.part.XXXXXX")
    if ! tar -xzOf "$cache/$archive" "$name/stagegate" >"$part" || ! [ -s "$part" ]; then
        refuse "$archive holds no stagegate" "tar could not read $name/stagegate from it" \
            "delete $cache on the runner, and run the job again"
    fi
    chmod 755 "$part"
    mv -f "$part" "$bin/stagegate"
    said=$("$bin/stagegate" --version 2>&1) || true
    if [ "$said" != "stagegate $version" ]; then
        rm -f "$bin/stagegate"
        refuse "stagegate $version does not run here" "it says: $(shown "$said")" \
            "see that RUNNER_OS and RUNNER_ARCH are what the runner really is"
    fi
}

[ -n "${GITHUB_PATH:-}" ] ||
    refuse "this is not a GitHub runner" "GITHUB_PATH is not set" "elsewhere, see Install in the README"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
table=$here/checksums.txt
repository=${STAGEGATE_INSTALL_REPOSITORY:-}
if ! [[ $repository =~ ^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$ ]]; then
    repository=$DEFAULT_REPOSITORY
fi
target=$(target)
own=$(own_version)
version=$(version)
name=stagegate-$version-$target
archive=$name.tar.gz
checksum=$(expected)
folder=${STAGEGATE_DOWNLOAD_URL:-"https://github.com/$repository/releases/download/v$version"}
folder=${folder%/}
temporary=${RUNNER_TEMP:-${TMPDIR:-/tmp}}
cache=${RUNNER_TOOL_CACHE:-$temporary}/stagegate/$version/$target
if ! mkdir -p "$cache" 2>/dev/null || ! [ -w "$cache" ]; then
    cache=$temporary/stagegate/$version/$target
    mkdir -p "$cache"
fi
bin=$temporary/stagegate-$version-$target

# What is not whole yet; it goes when the script ends, however it does.
part=
trap 'rm -f "$part"' EXIT
fetch
unpack
printf '%s\n' "$bin" >>"$GITHUB_PATH"
