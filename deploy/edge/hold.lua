-- Patience of the edge: a connection that comes while no replica is ready waits for one, so that a
-- restart of an agent's only replica is a pause to its clients and not an error.

local LONGEST_SECONDS = 20
local LOOK_AGAIN_MS = 100

-- tcp-request content lua.hold <backend>: returns when a server of the backend is ready, or time is up.
core.register_action("hold", { "tcp-req" }, function(txn, backend)
  local waited = 0
  while txn.f:nbsrv(backend) == 0 and waited < LONGEST_SECONDS * 1000 do
    core.msleep(LOOK_AGAIN_MS)
    waited = waited + LOOK_AGAIN_MS
  end
end, 1)

-- RFC 5321 §3.8, RFC 3463 §3.4: the service closes the channel; come again later.
core.register_service("busy", "tcp", function(applet)
  applet:send("421 4.3.2 No agent is ready, please try again later\r\n")
end)
