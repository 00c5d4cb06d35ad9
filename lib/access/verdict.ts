/**
 * Who decided: the `backend`; the `default` action during an outage; a `rule` of the operator's
 * (an action that is not asked for counts as one); an earlier answer that is still good
 * (`remembered`); an earlier allow, during an outage (`last-verdict`); nobody, because this question
 * met silence or worse while the backend answers others (`unanswered`: neither an answer nor a
 * denial, so it changes nothing that is remembered); this process's own limits (`overload`); how
 * many sessions the user may have (`limit`); the
 * request itself, because no stream can be meant by it (`malformed`); or nobody, since a dry run lets in
 * whoever would be denied (`dry-run`).
 */
export type VerdictSource = 'backend' | 'default' | 'rule' | 'remembered' | 'last-verdict' | 'unanswered' | 'limit' | 'overload' | 'malformed' | 'dry-run'

/** The answer to an access request. */
export interface Verdict {
  readonly allowed: boolean
  readonly source: VerdictSource
  /** Why, for people: plain ASCII text without secrets. Clients are shown it as it is. */
  readonly reason: string
  /** In a dry run: what would have been. */
  readonly would?: Verdict
  /** The backend's final HTTP status, where it gave one. */
  readonly status?: number
  /** How long the backend said that this verdict holds (`X-AuthDuration`), in milliseconds. */
  readonly validForMs?: number
  /** Where the backend sends this client instead, an absolute http(s) URL in ASCII; only where `redirects` is on. */
  readonly location?: string
  /** The viewer's id as the backend knows it (`X-UserId`). */
  readonly userId?: string
  /** How many sessions the user may have at once (`X-Max-Sessions`, `X-Unique`); 0 is no limit, absent if the backend does not say. */
  readonly maxSessions?: number
  /** How long the backend took, from the question to its final status line, in milliseconds. */
  readonly latencyMs?: number
  /**
   * What was wrong with the backend's answer, for the operator's log; printable, without secrets.
   * What it concerns does not let anybody in, since a client may have provoked it.
   */
  readonly fault?: string
}

/** Makes an allow verdict. */
export const allow = (source: VerdictSource, reason: string): Verdict => ({ allowed: true, source, reason })

/** Makes a deny verdict. */
export const deny = (source: VerdictSource, reason: string): Verdict => ({ allowed: false, source, reason })
