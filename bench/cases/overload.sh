# shellcheck shell=bash
# shellcheck disable=SC2154
# overload: what becomes of a service when too much is asked of it

case_overload() { run_patient_script overload --plots "$plots"; }
