// The most that this process had resident: as bench_peak_kib() in common.h.
import fs from 'fs'

export const peakKib = () =>
  +/VmHWM:\s*(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]
