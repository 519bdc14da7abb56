-- Patience of the edge: a connection that comes while no replica is ready waits for one, so that a
-- restart of an agent's only replica is a pause to its clients and not an error.

local LONGEST_SECONDS = 20
local LOOK_AGAIN_MS = 100

-- Replicas that may be given a connection. The backend's backup server, which only leads back here,
-- is not one.
local function ready(backend)
  return core.backends[backend]:get_srv_act()
end

-- tcp-request content lua.hold <backend>: returns when a replica is ready, or time is up; txn.ready
-- says how many are.
core.register_action("hold", { "tcp-req" }, function(txn, backend)
  local waited = 0
  while ready(backend) == 0 and waited < LONGEST_SECONDS * 1000 do
    core.msleep(LOOK_AGAIN_MS)
    waited = waited + LOOK_AGAIN_MS
  end
  txn:set_var("txn.ready", ready(backend))
end, 1)

-- http-request lua.doors: txn.closed names the backends without a ready replica.
core.register_action("doors", { "http-req" }, function(txn)
  local closed = {}
  for _, backend in ipairs({ "mx", "msa", "msa-tls", "imap", "imaps", "pop3", "pop3s" }) do
    if ready(backend) == 0 then closed[#closed + 1] = backend end
  end
  txn:set_var("txn.closed", table.concat(closed, " "))
end, 0)

-- RFC 5321 §3.8, RFC 3463 §3.4: the service closes the channel; come again later.
core.register_service("busy", "tcp", function(applet)
  applet:send("421 4.3.2 No agent is ready, please try again later\r\n")
end)
