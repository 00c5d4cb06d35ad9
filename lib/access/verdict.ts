/**
 * What decided: the `backend`; the `default` action during an outage; one of the operator's rules (`rule`;
 * an action that is not checked counts as one); an earlier answer that is still valid
 * (`remembered`); an earlier allow, during an outage (`last-verdict`); the lack of an answer while the
 * backend answers others (`unanswered`: neither an answer nor a denial, so it changes nothing that is
 * remembered); a lack of this process's own (`overload`); the user's limit (`limit`); the request itself,
 * because it names no possible stream (`malformed`); or a dry run, which lets in a client that would be
 * denied (`dry-run`).
 */
export type VerdictSource = 'backend' | 'default' | 'rule' | 'remembered' | 'last-verdict' | 'unanswered' | 'limit' | 'overload' | 'malformed' | 'dry-run'

/** The answer to an access request. */
export interface Verdict {
  readonly allowed: boolean
  readonly source: VerdictSource
  /** The reason in words: plain ASCII without secrets. Clients see it as it is. */
  readonly reason: string
  /** In a dry run: the verdict that would have applied. */
  readonly would?: Verdict
  /** The backend's final HTTP status, if it gave one. */
  readonly status?: number
  /** How long this verdict holds (`X-AuthDuration`), in milliseconds. */
  readonly validForMs?: number
  /** Where the backend redirects this client, an absolute http(s) URL in ASCII; only with `redirects`. */
  readonly location?: string
  /** The backend's id of the user (`X-UserId`). */
  readonly userId?: string
  /** Sessions that the user may have at once (`X-Max-Sessions`, `X-Unique`); 0 means no limit, absent if the backend does not say. */
  readonly maxSessions?: number
  /** The backend's latency, up to its final status line, in milliseconds. */
  readonly latencyMs?: number
  /**
   * What was wrong with the backend's answer, for the operator's log; printable, without secrets.
   * Such an answer never lets a client in, because a client may have provoked it.
   */
  readonly fault?: string
}

/** Makes an allow verdict. */
export const allow = (source: VerdictSource, reason: string): Verdict => ({ allowed: true, source, reason })

/** Makes a deny verdict. */
export const deny = (source: VerdictSource, reason: string): Verdict => ({ allowed: false, source, reason })
