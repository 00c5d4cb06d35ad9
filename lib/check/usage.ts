export const CHECK_USAGE = `nms-http-auth check: asks the backend as the running server would, and tells why it answers as it does

  nms-http-auth check 'rtmp://live.example.com/live/s?token=123' -c config.json
  nms-http-auth check -c config.json

With a URL (rtmp, rtmps, http, https, ws or wss, quoted) it asks for the client that would open it:
the rules first, then the backend; for HLS it is the first request of a viewer. Without a URL it
asks every backend about nobody and looks at the answers: a backend that redirects, answers 204 or
has an error lets nobody in. A store that the config names is written to and read from.

  -c, --config FILE   the config file of node-media-server, with its section "httpAuth"
      --publish       the client publishes instead of playing
      --ip ADDRESS    the client's address, default 127.0.0.1
      --user-agent TEXT
                      the client's user agent, for RTMP its flashVer; default nms-http-auth-check
      --json          prints one JSON document instead of text
      --show-secrets  shows tokens, and secrets of the config; they are masked otherwise, also in
                      the curl line, which then asks with *** in their place
  -h, --help          shows this

Exit status: 0 allowed, or the backend answers; 1 denied, or nobody would get in; 2 there was no answer,
whatever the default action; 3 the call or the config is wrong.

The JSON document has these keys, null where there is nothing to say:
  file            the config file
  error           { code, message } with exit status 3
  contract        what the backend is, by its preset; null if httpAuth is false
  play, publish   what the preset and the options came to: { asked: true, urls, strategy,
                  defaultAction, timeoutMs, params, headers, requireHeader, denyBody, … }
                  or { asked: false, why }
  accessRequest   the client: sessionId, action, protocol, ip, path, origin, userAgent, query,
                  streamPath
  questions       what was asked, in order: for, url, request { target, headers }, curl, peer,
                  status, headers (those that matter), timesMs { dns, connect, tls, firstByte,
                  total }, failure
  rule            the rule that decided, as it is in the config
  verdict         { allowed, source, reason, status?, validForMs?, userId?, fault?, latencyMs? }
  unavailable     { reason, defaultAction } of an outage
  store           { urls, connectMs, answerMs }, or { urls, reason } if it does not answer
  faults          what is wrong with the backend or the store, a sentence each
  warnings        what is seldom meant, a sentence each
  secretsShown    whether tokens and secrets are shown
  exitStatus      the same as the command's
`
