#!/bin/sh
# A program that never ends, with a child that keeps its output open. Tells both numbers in the file PIDS.
sleep 600 &
echo "$$ $!" >"$PIDS"
wait
