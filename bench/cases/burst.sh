# shellcheck shell=bash
# shellcheck disable=SC2154
# burst: 200,000 requests in one turn of the loop

case_burst() { run_script burst; }
