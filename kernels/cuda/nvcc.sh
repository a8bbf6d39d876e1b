#!/bin/sh
# nvcc.sh NVCC ARGUMENT...: runs nvcc with what libtool adds for the host compiler handed on by -Xcompiler.
set -u
nvcc=$1
shift
n=$#
while [ "$n" -gt 0 ]; do
    argument=$1
    shift
    case $argument in
    -fmad=*) set -- "$@" "$argument" ;;
    -f* | -Wall | -Wextra | -Wno-* | -DPIC | -pthread) set -- "$@" -Xcompiler "$argument" ;;
    *) set -- "$@" "$argument" ;;
    esac
    n=$((n - 1))
done
# shellcheck disable=SC2086
exec $nvcc "$@"
