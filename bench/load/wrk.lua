-- wrk's load and its report for a program: one JSON object after all that wrk says itself.
--   wrk ... -s wrk.lua URL -- BODY_BYTES
-- A body makes it a POST. Nothing here runs for each request.

function init(args)
  local bytes = tonumber(args[1]) or 0
  if bytes > 0 then
    wrk.method = "POST"
    wrk.body = string.rep("x", bytes)
    wrk.headers["Content-Type"] = "application/octet-stream"
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local line = '{"requests":%d,"errors":%d,"seconds":%.6f,"bytes":%d,' ..
    '"p50":%.1f,"p99":%.1f,"p999":%.1f,"max":%.1f}'
  io.write(string.format(line, summary.requests, failed, summary.duration / 1e6, summary.bytes,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max), "\n")
end
