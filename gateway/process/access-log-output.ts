/** Where the lines of the access log go: standard output, a block at a time. */
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import process from 'node:process'

export interface AccessLogOutput {
  /** Takes a line with its line break; it is written within half a second. */
  write(line: string): void
  /** Writes what is there, at once: the last thing before the process exits. */
  flush(): void
}

/** In bytes. What a process writes to a pipe in one piece up to this size is not mixed with the lines of others. */
const blockSize = 4096
/** In bytes. A reader that falls behind costs lines, never memory. */
const mostBuffered = 1024 * 1024
/** In milliseconds. */
const flushInterval = 500
/** How long to wait for a reader that falls behind, in milliseconds; at exit, how often. */
const retryInterval = 100
const mostTriesAtExit = 5

/** Returns standard output. What is there is written when the process exits, too. */
export function accessLogOutput(): AccessLogOutput {
  const output = standardOutput()
  const blocks: Buffer[] = []
  let lines: string[] = []
  /** The size of the lines, and of the blocks, in bytes. */
  let ofLines = 0
  let ofBlocks = 0
  let isWriting = false
  let timer: NodeJS.Timeout | undefined

  process.once('exit', flush)
  return { write: add, flush }

  function add(line: string): void {
    const size = Buffer.byteLength(line)
    if (ofBlocks + ofLines + size > mostBuffered) return
    if (ofLines + size > blockSize) closeBlock()
    lines.push(line)
    ofLines += size
    timer ??= setTimeout(onTime, flushInterval).unref()
  }

  function onTime(): void {
    timer = undefined
    closeBlock()
  }

  function closeBlock(): void {
    if (lines.length > 0) blocks.push(Buffer.from(lines.join('')))
    ofBlocks += ofLines
    lines = []
    ofLines = 0
    if (!isWriting) writeNext()
  }

  function writeNext(): void {
    const block = blocks[0]
    isWriting = block !== undefined
    if (block) write(output, block, onWritten)
  }

  function onWritten(cause: NodeJS.ErrnoException | null, size: number): void {
    if (cause?.code === 'EAGAIN') return void setTimeout(writeNext, retryInterval).unref()
    // A full disk, or a reader that has gone, ends no request: the block is lost.
    written(cause ? Infinity : size)
    writeNext()
  }

  /** Removes what has been written of the first block; flush() may have removed it already. */
  function written(size: number): void {
    const block = blocks.shift()
    if (!block) return
    ofBlocks -= Math.min(size, block.length)
    if (size < block.length) blocks.unshift(block.subarray(size))
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    // A thread writes the first block, and the process waits for the thread.
    const rest = [...blocks.splice(isWriting ? 1 : 0), Buffer.from(lines.join(''))]
    lines = []
    ofLines = 0
    ofBlocks = blocks[0]?.length ?? 0
    writeAtOnce(output, Buffer.concat(rest))
  }
}

function writeAtOnce(output: number, bytes: Buffer): void {
  let tries = 0
  for (let start = 0; start < bytes.length;) {
    try {
      start += writeSync(output, bytes, start, Math.min(blockSize, bytes.length - start))
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      if (code !== 'EAGAIN' || ++tries > mostTriesAtExit) return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryInterval)
    }
  }
}

/**
 * Returns a file descriptor of standard output. A pipe is opened once more so that it does not block: a
 * reader that hangs would otherwise hold a thread of the process, which then could not even exit.
 */
function standardOutput(): number {
  try {
    if (!fstatSync(1).isFIFO()) return 1
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    return 1
  }
}
