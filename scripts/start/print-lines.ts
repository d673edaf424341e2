/** Line by line from a process to the terminal. */
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** Writes each line that `readable` returns; a line that becomes undefined is left out. */
export function printLines(
  from: Readable,
  to: Writable,
  readable: (line: string) => string | undefined,
): void {
  createInterface({ input: from, crlfDelay: Infinity }).on('line', (line) => {
    const printed = readable(line)
    if (printed !== undefined) to.write(`${printed}\n`)
  })
}
