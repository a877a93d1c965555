-- What wrk runs (bench/load.mjs). It counts answers that are not as expected. With a number of requests it ends after as many: wrk
-- itself knows only of time.

local limit = tonumber(os.getenv("LOAD_REQUESTS"))
local expected_body = os.getenv("LOAD_BODY")
local name = os.getenv("LOAD_HEADER")
local values = os.getenv("LOAD_VALUES") and io.lines(os.getenv("LOAD_VALUES"))

answered = 0
wrong = 0
sample = ""

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local function report(count, errors, text, p50, p99)
  print(string.format("LOAD %d %d %d %d %s", count, errors, p50, p99, text))
end

if limit then
  local begun = 0

  -- What would be sent beyond the limit is put off for an hour. Else workerd would still have answers to make when wrk has all that it
  -- waits for, in the time of what is measured next.
  function delay()
    begun = begun + 1
    return begun > limit and 3600000 or 0
  end
end

if values then
  -- Each request has another value in that header.
  function request()
    wrk.headers[name] = values()
    return wrk.format()
  end
end

function response(status, _, body)
  answered = answered + 1
  if status ~= 200 or (expected_body and body ~= expected_body) then
    wrong = wrong + 1
    sample = status .. " " .. body:sub(1, 200)
  end
  if answered == limit then
    report(answered, wrong, sample, 0, 0)
    io.stdout:flush()
    os.exit(0)
  end
end

function done(summary, latency)
  local thread = threads[1]
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  report(thread:get("answered"), thread:get("wrong") + lost, thread:get("sample"), latency:percentile(50), latency:percentile(99))
end
