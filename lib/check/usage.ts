export const CHECK_USAGE = `nms-http-auth check: sends the backend the request that the running server would send, and explains the answer

  nms-http-auth check 'rtmp://live.example.com/live/s?token=123' -c config.json
  nms-http-auth check -c config.json

With a URL (rtmp, rtmps, http, https, ws or wss, quoted) it checks the client that would open it:
the rules first, then the backend; for HLS and DASH, the first request of a viewer. Without a URL it
sends every backend a request without a client and examines the answers: a backend that redirects,
answers 204 or has an error lets nobody in. If the config has a store, it writes to it and reads from it.

  -c, --config FILE   the config file of node-media-server, with its section "httpAuth"
      --publish       the client publishes instead of playing
      --ip ADDRESS    the client's address; default 127.0.0.1
      --user-agent TEXT
                      the client's user agent, for RTMP its flashVer; default nms-http-auth-check
      --json          print one JSON document instead of text
      --show-secrets  show tokens and the config's secrets; otherwise they are masked, also in
                      the curl command, which then sends *** in their place
  -h, --help          show this

Exit status: 0 allowed, or the backend answers; 1 denied, or nobody would get in; 2 no answer,
whatever the default action; 3 the command line or the config is wrong.

The JSON document has these keys, null if they do not apply:
  file            the config file
  error           { code, message } with exit status 3
  contract        the kind of backend, by its preset; null if httpAuth is false
  play, publish   the options in force: { asked: true, urls, strategy,
                  defaultAction, timeoutMs, params, headers, requireHeader, denyBody, … }
                  or { asked: false, why }
  accessRequest   the client: sessionId, action, protocol, ip, path, origin, userAgent, query,
                  streamPath
  questions       the requests, in order: for, url, request { target, headers }, curl, peer,
                  status, headers (those that matter), timesMs { dns, connect, tls, firstByte,
                  total }, failure
  rule            the rule that decided, as in the config
  verdict         { allowed, source, reason, status?, validForMs?, userId?, fault?, latencyMs? }
  unavailable     { reason, defaultAction } of an outage
  store           { urls, connectMs, answerMs }, or { urls, reason } if it does not answer
  faults          what is wrong with the backend or the store, one sentence each
  warnings        what is rarely intended, one sentence each
  secretsShown    whether tokens and secrets are shown
  exitStatus      the same as the command's
`
