/**
 * The constant part of a boot script: POSIX sh (dash, bash, busybox), with curl, on a fresh server as root. What it needs to know
 * stands in the `PROVOST_…` assignments that `renderBootScript` puts before it.
 *
 * It is a module and no .sh file, so that it is there in a checkout and in an installed package alike. Inside this template
 * neither a backquote nor a dollar sign with a brace may be written. Comment lines are dropped from what is sent.
 *
 * State of one instance, in $PROVOST_STATE, all names beginning with the instance's id (C2):
 *
 *     .starts   a line for each start; the fourth start is not made: a script that reboots its machine would loop for ever
 *     .outcome  the last report, `ready` or `failed`; from here on nothing is run again, only told
 *     .done     the outcome has been told, or nobody will ever hear it (401, 404, 410); from here on nothing happens
 *
 * An instance keeps its state in /var/lib/provost/first-boot. The builder of an image keeps it in memory, so that nothing of it is
 * left to be baked in: its clean-up runs before `ready` is told, and after that nothing is written.
 *
 * A machine that dies before .outcome runs the steps again at its next boot: at least once, never after the outcome.
 */
const SOURCE = String.raw`
set -u
umask 077
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=$PROVOST_ROOT/root
export PATH HOME PROVOST_INSTANCE_ID

state=$PROVOST_ROOT$PROVOST_STATE
mark=$state/$PROVOST_INSTANCE_ID
log=$PROVOST_ROOT$PROVOST_LOG
lock=$PROVOST_ROOT/run/provost-first-boot-$PROVOST_INSTANCE_ID
log_bytes_max=4194304
starts_max=3
refused=

say() { echo "provost: $*"; }

# Seconds of a clock that is not set while the machine boots.
uptime_s() {
  if [ -r /proc/uptime ]; then cut -d . -f 1 /proc/uptime; else date +%s; fi
}

# report FILE SECONDS: posts FILE until it is taken (0); 1 when it was refused for good or the time is up. The token goes
# through a pipe: arguments can be read by every process.
report() {
  [ -z "$refused" ] || return 1
  deadline=$(($(uptime_s) + $2))
  tries=0
  pause=1
  while :; do
    code=$(printf 'url = "%s"\nheader = "authorization: Bearer %s"\n' "$PROVOST_CALLBACK_URL" "$PROVOST_CALLBACK_TOKEN" |
      curl -q --config - --silent --request POST --header 'content-type: application/json' --data-binary "@$1" \
        --connect-timeout 5 --max-time 10 --output /dev/null --write-out '%{http_code}' 2> /dev/null)
    case $code in
    2??) return 0 ;;
    401 | 404 | 410)
      refused=$code
      say "the callback was refused with $code: no more reports"
      return 1
      ;;
    esac
    [ "$(uptime_s)" -lt "$deadline" ] || break
    tries=$((tries + 1))
    # No connection yet (000): most likely DHCP is still at work, and each look costs nothing.
    if [ "$tries" -le 50 ] && [ "$code" = 000 ]; then
      sleep 0.2 2> /dev/null || sleep 1
    else
      sleep "$pause"
      pause=$((pause * 2))
      [ "$pause" -le 15 ] || pause=15
    fi
  done
  say "the callback cannot be reached (HTTP code $code)"
  return 1
}

# A stage that does not get through is implied by the next one.
stage() {
  say "$1"
  printf '{"stage":"%s"}\n' "$1" > "$mark.stage"
  report "$mark.stage" "$PROVOST_STAGE_SECONDS"
}

# The outcome is on the disk before it is told.
settle() {
  sync "$mark.outcome.new" 2> /dev/null || sync
  mv -f "$mark.outcome.new" "$mark.outcome"
}

# fail STEP EXIT_CODE
fail() {
  say "failed in $1 with exit code $2"
  {
    printf '{"stage":"failed","step":"%s","exit_code":%d,"log":"' "$1" "$2"
    log_tail
    printf '"}\n'
  } > "$mark.outcome.new"
  settle
}

# The last 40 lines, 4096 bytes at most, as the inside of a JSON string. The callback's token is never among them.
log_tail() {
  cat "$log.1" "$log" 2> /dev/null | tail -c 65536 | tail -n 40 |
    LC_ALL=C tr -d '\000-\010\013-\037\177' |
    PROVOST_REDACT=$PROVOST_CALLBACK_TOKEN LC_ALL=C awk '
      BEGIN { token = ENVIRON["PROVOST_REDACT"] }
      {
        line = $0
        while ((at = index(line, token)) > 0) line = substr(line, 1, at - 1) "[redacted]" substr(line, at + length(token))
        print line
      }' |
    tail -c 4096 | valid_utf8 |
    LC_ALL=C sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$(printf '\t')/\\\\t/g" |
    LC_ALL=C awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'
}

valid_utf8() {
  if command -v iconv > /dev/null; then iconv -c -f UTF-8 -t UTF-8; else LC_ALL=C tr '\200-\377' '?'; fi
}

trim_log() {
  [ "$(wc -c < "$log")" -gt "$log_bytes_max" ] || return 0
  tail -c 1048576 "$log" > "$log.1"
  : > "$log"
}

# While a step runs: its log stays within bounds, and the end of it is told now and then, for a step that never ends (C7).
watch() {
  told=$(uptime_s)
  while sleep 1; do
    trim_log
    [ -z "$refused" ] && [ "$(($(uptime_s) - told))" -ge "$PROVOST_LOG_SECONDS" ] || continue
    told=$(uptime_s)
    {
      printf '{"stage":"configuring","log":"'
      log_tail
      printf '"}\n'
    } > "$mark.progress"
    report "$mark.progress" 0
  done
}

# run FILE: its output goes straight to the log, not through a pipe, which a daemon it starts would hold open for ever.
run() {
  watch > /dev/null 2>&1 &
  watcher=$!
  if [ "$(head -c 2 "$1")" = '#!' ]; then
    (cd / && exec "$1") < /dev/null >> "$log" 2>&1
  else
    (cd / && exec /bin/sh "$1") < /dev/null >> "$log" 2>&1
  fi
  code=$?
  kill "$watcher" 2> /dev/null
  wait "$watcher" 2> /dev/null
  return "$code"
}

install_keys() {
  [ -n "$PROVOST_SSH_KEYS" ] || return 0
  keys=$HOME/.ssh/authorized_keys
  mkdir -p "$HOME/.ssh" && chmod 700 "$HOME/.ssh" && touch "$keys" && chmod 600 "$keys" || return 1
  [ -z "$(tail -c 1 "$keys")" ] || echo >> "$keys"
  printf '%s\n' "$PROVOST_SSH_KEYS" | while IFS= read -r key; do
    grep -q -x -F -e "$key" "$keys" || printf '%s\n' "$key" >> "$keys" || exit 1
  done
}

# What a golden image brings to be set up once on each instance; a builder is none.
run_image_hooks() {
  for hook in "$PROVOST_ROOT"/etc/provost/first-boot.d/*; do
    [ -x "$hook" ] || continue
    run "$hook" || return "$?"
  done
}

# run_text NAME TEXT
run_text() {
  [ -n "$2" ] || return 0
  printf '%s' "$2" > "$mark.$1" && chmod 700 "$mark.$1" || return 1
  run "$mark.$1"
}

# Answers 0 when all steps have passed; else the outcome says which has not.
configure() {
  stage booting
  install_keys >> "$log" 2>&1 || { fail ssh-keys "$?"; return 1; }
  stage configuring
  [ -n "$PROVOST_CLEAN_UP" ] || run_image_hooks || { fail image "$?"; return 1; }
  run_text recipe "$PROVOST_RECIPE" || { fail recipe "$?"; return 1; }
  run_text script "$PROVOST_SCRIPT" || { fail script "$?"; return 1; }
  run_text clean-up "$PROVOST_CLEAN_UP" || { fail clean-up "$?"; return 1; }
  printf '{"stage":"ready"}\n' > "$mark.outcome.new"
  settle
}

mkdir -p "$state" "$(dirname "$log")" "$PROVOST_ROOT/run" && chmod 700 "$state" || exit 1
if [ -e "$mark.done" ]; then
  say "$PROVOST_INSTANCE_ID has had its first boot"
  exit 0
fi
if ! mkdir "$lock" 2> /dev/null; then
  say "the first boot is under way ($lock exists)"
  exit 0
fi
# No trap for TERM: a child inherits it for a moment after its fork, and the watcher, ended in that moment, would never end
# (seen once in 40 runs under dash). A lock that is left over goes with the next boot, which empties /run.
trap 'rmdir "$lock"' EXIT
command -v curl > /dev/null || { refused=curl; say "there is no curl in this image: nothing can be reported"; }

if [ ! -e "$mark.outcome" ]; then
  [ -e "$mark.starts" ] || rm -f "$log" "$log.1"
  echo start >> "$mark.starts"
  if [ "$(wc -l < "$mark.starts")" -gt "$starts_max" ]; then
    echo "provost: the machine stopped $starts_max times before the first boot was over" >> "$log"
    fail interrupted 1
  else
    configure
  fi
fi
if report "$mark.outcome" "$PROVOST_OUTCOME_SECONDS" || [ -n "$refused" ]; then
  : > "$mark.done"
  rm -f "$mark.stage" "$mark.progress" "$mark.starts"
fi
[ "$(head -c 16 "$mark.outcome")" = '{"stage":"ready"' ]
`;

/** The body as it is sent: without comment lines, which only readers of this file need. */
export const BOOT_BODY = SOURCE.replaceAll(/^\s*# .*\n/gm, "").trimStart();
