/** Compresses the bodies of responses, without delaying other requests. */
import { brotliCompress, brotliCompressSync, constants, gzip, gzipSync } from 'node:zlib'
import type { BrotliOptions, CompressCallback, ZlibOptions } from 'node:zlib'
import type { Coding } from './accepted-coding.ts'

/** The next levels cost more time than they save bytes. */
const gzipOptions: ZlibOptions = { level: 1 }
const brotliOptions: BrotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }

/**
 * In bytes. Handing a body to another thread costs twice as much as compressing one of 2 KB; this many bytes take a
 * tenth of a millisecond.
 */
const mostAtOnce = 32 * 1024

/** How many bodies are compressed in other threads: Node has four, which also verify access tokens. */
const mostInThreads = 2

/** Calls back with the compressed body; with undefined when too many are being compressed. */
export type CompressBody = (
  coding: Coding,
  body: Buffer,
  done: (compressed: Buffer | undefined) => void,
) => void

/** Returns the function that compresses. */
export function bodyCompressor(): CompressBody {
  let inThreads = 0

  return (coding, body, done) => {
    if (body.length <= mostAtOnce) {
      const compressed =
        coding === 'gzip' ? gzipSync(body, gzipOptions) : brotliCompressSync(body, brotliOptions)
      return done(compressed)
    }
    if (inThreads >= mostInThreads) return done(undefined)
    inThreads++
    const completed: CompressCallback = (error, compressed) => {
      inThreads--
      done(error ? undefined : compressed)
    }
    if (coding === 'gzip') gzip(body, gzipOptions, completed)
    else brotliCompress(body, brotliOptions, completed)
  }
}
