#!/bin/bash
# One connection, one command: a line "SECONDS LENGTH", then LENGTH bytes of shell. Answers a line
# "STATUS LENGTH-OF-OUTPUT LENGTH-OF-ERRORS", then both. A command may leave processes behind only
# when their output goes elsewhere; what is still running after SECONDS is killed (status 124).
# Starting a process takes 50 ms here, so as much as possible is done by the shell itself.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
cd /
IFS=' ' read -r seconds length || exit 1
IFS= read -r -N "$length" script || exit 1
directory=/run/command.$BASHPID.$EPOCHREALTIME
mkdir "$directory" || exit 1
printf %s "$script" >"$directory/script"
timeout -k 2 "$seconds" bash "$directory/script" \
  </dev/null >"$directory/output" 2>"$directory/errors"
status=$?
{ read -r output && read -r errors; } < <(stat -c %s "$directory/output" "$directory/errors")
printf '%s %s %s\n' "$status" "$output" "$errors"
[ "$output" = 0 ] || head -c "$output" "$directory/output"
[ "$errors" = 0 ] || head -c "$errors" "$directory/errors"
rm -rf "$directory"
