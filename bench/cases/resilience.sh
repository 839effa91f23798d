# shellcheck shell=bash
# shellcheck disable=SC2154
# resilience: endpoints that fail, are slow, or are all down

case_resilience() { run_patient_script resilience; }
