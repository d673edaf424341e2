/** Where the lines of the access log go: standard output, a block at a time. */
import { fstatSync, write, writeSync } from 'node:fs'
import process from 'node:process'
import type { Logger } from 'pino'
import {
  blockSize,
  retryInterval,
  unblocked,
  writeAtExit,
} from '../../subgraphs/kit/process/unblocked-output.ts'

export interface AccessLogOutput {
  /** Takes a line with its line break; it is written within half a second. */
  write(line: string): void
  /** Writes what is there, at once: the last thing before the process exits. */
  flush(): void
  /** How many lines were lost since the start: their reader is too slow or has gone, or the disk is full. */
  readonly lost: number
}

/** In bytes. A reader that falls behind costs lines, never memory. */
const mostBuffered = 1024 * 1024
/** In bytes: what goes to a file needs no small pieces. */
const largeBlockSize = 64 * 1024
/** In milliseconds. */
const flushInterval = 500
/** How often lost lines are reported, in milliseconds. */
const reportInterval = 10_000

interface Block {
  /** What has not been written of it. */
  bytes: Buffer
  readonly lines: number
}

/** Returns standard output. What is there is written when the process exits, too. */
export function accessLogOutput(log: Pick<Logger, 'warn'>): AccessLogOutput {
  const output = unblocked(1)
  const largestBlock = fstatSync(output).isFIFO() ? blockSize : largeBlockSize
  // An output that does not block needs no thread, which would cost more than writing.
  const needsThread = output === 1
  const writeBlock = needsThread ? write : writeWithoutThread
  const blocks: Block[] = []
  let lines: string[] = []
  /** The size of the lines, and of the blocks, in bytes. */
  let ofLines = 0
  let ofBlocks = 0
  let isWriting = false
  let timer: NodeJS.Timeout | undefined
  let lost = 0
  let reportedAt = -Infinity

  process.once('exit', flush)
  return {
    write: add,
    flush,
    get lost() {
      return lost
    },
  }

  function add(line: string): void {
    const size = Buffer.byteLength(line)
    if (ofBlocks + ofLines + size > mostBuffered) return lose(1, 'the reader is too slow')
    if (ofLines + size > largestBlock) closeBlock()
    lines.push(line)
    ofLines += size
    timer ??= setTimeout(onTime, flushInterval).unref()
  }

  function onTime(): void {
    timer = undefined
    closeBlock()
  }

  function closeBlock(): void {
    if (lines.length > 0) blocks.push({ bytes: Buffer.from(lines.join('')), lines: lines.length })
    ofBlocks += ofLines
    lines = []
    ofLines = 0
    if (!isWriting) writeNext()
  }

  function writeNext(): void {
    const block = blocks[0]
    isWriting = block !== undefined
    if (block) writeBlock(output, block.bytes, onWritten)
  }

  function onWritten(cause: NodeJS.ErrnoException | null, size: number): void {
    if (cause?.code === 'EAGAIN') return void setTimeout(writeNext, retryInterval).unref()
    const [block] = blocks
    // flush() may have removed it already.
    if (block) {
      // A full disk, or a reader that has gone, ends no request: the block is lost.
      if (cause) lose(block.lines, cause.code ?? cause.message)
      written(block, cause ? block.bytes.length : size)
    }
    writeNext()
  }

  function written(block: Block, size: number): void {
    ofBlocks -= size
    block.bytes = block.bytes.subarray(size)
    if (block.bytes.length === 0) blocks.shift()
  }

  function lose(count: number, reason: string): void {
    lost += count
    if (performance.now() - reportedAt < reportInterval) return
    reportedAt = performance.now()
    log.warn({ lines: lost, reason }, 'lines of the access log are lost')
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    // A thread may be writing the first block, and the process waits for the thread.
    const rest = blocks.splice(needsThread && isWriting ? 1 : 0).map(({ bytes }) => bytes)
    const last = Buffer.from(lines.join(''))
    lines = []
    ofLines = 0
    ofBlocks = blocks[0]?.bytes.length ?? 0
    writeAtExit(output, Buffer.concat([...rest, last]))
  }
}

function writeWithoutThread(
  output: number,
  bytes: Buffer,
  onWritten: (cause: NodeJS.ErrnoException | null, size: number) => void,
): void {
  let size: number
  try {
    size = writeSync(output, bytes)
  } catch (cause) {
    return onWritten(cause as NodeJS.ErrnoException, 0)
  }
  onWritten(null, size)
}
