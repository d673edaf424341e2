/** Reads a stream of server-sent events (HTML, section 9.2.6) from chunks of bytes. */

export interface ServerSentEvent {
  /** `message` if the stream gives the event no name. */
  readonly name: string
  /** A copy, which keeps no chunk in memory. */
  readonly data: Buffer
}

const lineFeed = 0x0a
const carriageReturn = 0x0d
const colon = 0x3a
const space = 0x20

/** Reads one stream. Lines end with LF or CRLF: a lone CR, which nobody sends, is a part of its line. */
export class EventStreamReader {
  readonly #limit: number
  readonly #onEvent: (event: ServerSentEvent) => void
  /** The beginning of a line whose end has not arrived. */
  #pending: Buffer[] = []
  #name = ''
  #data: Buffer[] = []
  /** The bytes of the event so far, its unfinished line included. */
  #size = 0

  /** @param limit the largest event, in bytes */
  constructor(limit: number, onEvent: (event: ServerSentEvent) => void) {
    this.#limit = limit
    this.#onEvent = onEvent
  }

  /** Reads a chunk and reports the events that it completes; returns false if an event is too large. */
  read(chunk: Buffer): boolean {
    let from = 0
    for (;;) {
      const end = chunk.indexOf(lineFeed, from)
      if (end === -1) break
      this.#size += end - from
      if (this.#size > this.#limit) return false
      this.#readLine(this.#lineUntil(chunk.subarray(from, end)))
      from = end + 1
    }
    if (from === chunk.length) return true
    this.#size += chunk.length - from
    if (this.#size > this.#limit) return false
    this.#pending.push(chunk.subarray(from))
    return true
  }

  #lineUntil(end: Buffer): Buffer {
    const line = this.#pending.length === 0 ? end : Buffer.concat([...this.#pending, end])
    this.#pending = []
    return line.at(-1) === carriageReturn ? line.subarray(0, -1) : line
  }

  #readLine(line: Buffer): void {
    if (line.length === 0) return this.#dispatch()
    const end = line.indexOf(colon)
    if (end === 0) return void (this.#size -= line.length)
    const field = line.toString('latin1', 0, end === -1 ? line.length : end)
    const start = end === -1 ? line.length : line[end + 1] === space ? end + 2 : end + 1
    if (field === 'data') this.#data.push(line.subarray(start))
    else if (field === 'event') this.#name = line.toString('utf8', start)
  }

  #dispatch(): void {
    const data = this.#data
    const name = this.#name
    this.#data = []
    this.#name = ''
    this.#size = 0
    if (data.length > 0) this.#onEvent({ name: name || 'message', data: joined(data) })
  }
}

function joined(lines: readonly Buffer[]): Buffer {
  const [first, ...more] = lines
  return Buffer.concat([first!, ...more.flatMap((line) => [newLine, line])])
}

const newLine = Buffer.from('\n')
