/** The id of a request: one for the client, the log of every process, and the subgraphs. */
import { randomUUID } from 'node:crypto'

/** Long enough for a UUID, a trace id, and the ids of common proxies; nothing that a log or a header could misread. */
const safeId = /^[\w.:=+/-]{1,128}$/

/** Returns the id that a trusted proxy gave, if it is safe to repeat; otherwise a new one. */
export function requestId(given: string | undefined): string {
  return given !== undefined && safeId.test(given) ? given : randomUUID()
}
