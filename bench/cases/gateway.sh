# shellcheck shell=bash
# shellcheck disable=SC2154
# gateway: the gateway of the examples, beside nginx

case_gateway() { run_script gateway; }
