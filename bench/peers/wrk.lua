-- What wrk is told, and what it tells: "key value" lines, as the others do.
-- Arguments: method, bytes of each request's body, ms of each pause.
function init(args)
  wrk.method = args[1]
  if tonumber(args[3]) > 0 then
    function delay()
      return tonumber(args[3])
    end
  end
  if tonumber(args[2]) > 0 then
    wrk.body = string.rep("b", tonumber(args[2]))
  end
end

function done(summary, latency)
  local errors = summary.errors
  local function tell(key, value)
    io.write(string.format("%s %.1f\n", key, value))
  end

  tell("exchanges", summary.requests)
  tell("per_second", summary.requests / summary.duration * 1e6)
  tell("p50_us", latency:percentile(50))
  tell("p99_us", latency:percentile(99))
  tell("p999_us", latency:percentile(99.9))
  tell("max_us", latency.max)
  tell("answer_bytes", summary.bytes / summary.requests)
  tell("failed", errors.connect + errors.read + errors.write + errors.status
    + errors.timeout)
end
