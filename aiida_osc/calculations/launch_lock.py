"""Shell text around a job's program, so that a folder which is started twice runs once.

A worker that is killed between the scheduler's answer and the note of it submits the same folder again. Each start
asks for a *turn*: the first one makes the folder of turn 1, which only one of them can, notes its host and process
there, renews a heartbeat and runs. A later start leaves the files of the job alone and waits:

- the job has ended, well or not: the later start ends too, with status 0, and the results are those of the first;
- the holder is dead (on the same host its process is gone; elsewhere its heartbeat has not changed for
  ``OSC_LOCK_STALE`` seconds): the later start asks for the next turn, and runs when it gets it.

Put :data:`PREPEND` last in front of the program and :data:`APPEND` first behind it: ``APPEND`` keeps the exit status
of the command before it in :data:`STATUS_FILE`. A script that is killed leaves no such file. Both texts are plain
POSIX shell and stand ``set -eu`` and ``noclobber`` of the script around them, as well as hosts whose clocks differ.
The lock bears the name of the job's folder: in a copy of the folder under another name it locks nothing.
"""

#: Holds the exit status of the job's program once that has ended.
STATUS_FILE = 'job.status'
#: Folder of the lock, followed by a dash and the name of the job's folder.
LOCK_FOLDER = '.osc_launch'
#: Environment variables that set the times below, in seconds.
STALE_VARIABLE, BEAT_VARIABLE, POLL_VARIABLE = 'OSC_LOCK_STALE', 'OSC_LOCK_BEAT', 'OSC_LOCK_POLL'
#: A heartbeat this old belongs to a dead job; network file systems show changes up to a minute late.
STALE_SECONDS = 300
#: Time between two heartbeats, and between two looks of a start that waits.
BEAT_SECONDS, POLL_SECONDS = 10, 5

PREPEND = f"""\
# --- one run per folder, however often it is started
osc_job=$(pwd -P)
osc_lock="$osc_job/{LOCK_FOLDER}-${{osc_job##*/}}"
osc_host="$(uname -n) $(cat /proc/sys/kernel/random/boot_id 2> /dev/null || true)"
osc_host="$osc_host $(readlink /proc/self/ns/pid 2> /dev/null || true)"
# Prints when process $1 was born; nothing when it is gone or only waits to be buried by its parent.
osc_birth() {{
    {{ read -r osc_line < "/proc/$1/stat"; }} 2> /dev/null || return 0
    set -- ${{osc_line##*) }}
    [ "$1" = Z ] || echo "${{20}}"
}}
osc_lives() {{
    kill -0 "$1" 2> /dev/null && [ "$(osc_birth "$1")" = "$2" ]
}}
osc_read() {{
    cat "$1" 2> /dev/null || true
}}
osc_write() {{
    echo "$2" >| "$1.$$" && mv -f "$1.$$" "$1"
}}
# Waits for the end of the holder of turn $1: status 0 when its job has ended, 1 when it died before.
osc_wait() {{
    osc_seen=none
    while [ ! -e "$1/ended" ]; do
        osc_pid=$(osc_read "$1/process")
        if [ -n "$osc_pid" ] && [ "$(osc_read "$1/host")" = "$osc_host" ]; then
            osc_lives "${{osc_pid% *}}" "${{osc_pid#* }}" || {{ [ -e "$1/ended" ] && return 0 || return 1; }}
        else
            osc_now=$(osc_read "$1/heartbeat")
            [ "$osc_now" = "$osc_seen" ] || {{ osc_seen=$osc_now; osc_since=$(date +%s); }}
            [ "$(($(date +%s) - osc_since))" -lt "${{{STALE_VARIABLE}:-{STALE_SECONDS}}}" ] || return 1
        fi
        sleep "${{{POLL_VARIABLE}:-{POLL_SECONDS}}}"
    done
}}
osc_beat() {{
    osc_nap= osc_stop=
    trap 'osc_stop=1; [ -z "$osc_nap" ] || kill "$osc_nap" 2> /dev/null || true' TERM
    while [ -z "$osc_stop" ] && osc_lives "$1" "$2"; do
        osc_write "$osc_turn/heartbeat" "$(date +%s)" || true
        sleep "${{{BEAT_VARIABLE}:-{BEAT_SECONDS}}}" &
        osc_nap=$!
        [ -z "$osc_stop" ] || kill "$osc_nap" 2> /dev/null || true
        wait "$osc_nap" || true
    done
}}
mkdir -p "$osc_lock" || exit 1
osc_count=1
until mkdir "$osc_lock/$osc_count" 2> /dev/null; do
    [ -d "$osc_lock/$osc_count" ] || {{ echo "cannot write to $osc_lock" >&2; exit 1; }}
    echo "this folder was started before ($(osc_read "$osc_lock/$osc_count/host")); waiting for the end of that" >&2
    if osc_wait "$osc_lock/$osc_count"; then
        echo "that start has ended, so there is nothing to do; to run again, remove $osc_lock" >&2
        exit 0
    fi
    echo 'that start is dead; taking its place' >&2
    osc_count=$((osc_count + 1))
done
osc_turn="$osc_lock/$osc_count"
osc_write "$osc_turn/host" "$osc_host"
osc_write "$osc_turn/process" "$$ $(osc_birth $$)"
rm -f "$osc_job/{STATUS_FILE}"
osc_beat $$ "$(osc_birth $$)" < /dev/null > /dev/null 2>&1 &
osc_heart=$!
set +e  # the status of a program that fails is to be noted
# ---"""

APPEND = f"""\
osc_status=$?
# --- keep the exit status, stop the heartbeat, let other starts of this folder end
osc_write "$osc_job/{STATUS_FILE}" "$osc_status"
kill "$osc_heart" 2> /dev/null || true
wait "$osc_heart" 2> /dev/null || true
osc_write "$osc_turn/ended" "$osc_status"
# ---"""
