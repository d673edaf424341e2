/** The bytes of a response, while they are written. */
import type { ResponseData } from '../graphql/response-data.ts'
import type { FetchedData, WrittenText } from './fetched-data.ts'
import { holdBytes, lendBuffer } from '../values/response-buffers.ts'
import { copyBytes, viewOf } from '../values/word.ts'
import type { Word } from '../values/word.ts'

/** A text of a subgraph from this length on, in bytes, is not copied. */
const longText = 32 * 1024
/** A loop is faster than a call up to this length. */
const shortText = 160
/** Node puts a string together with the head of a response, which costs less for small ones only. */
const shortData = 16 * 1024
const usualSize = 64 * 1024
/** In bytes. */
const largestKept = 1024 * 1024

/** Bytes to write to. */
interface Scratch {
  readonly bytes: Buffer
  readonly view: DataView
}

function newScratch(size: number): Scratch {
  const bytes = Buffer.allocUnsafeSlow(size)
  return { bytes, view: viewOf(bytes) }
}

/** One response is written at a time, as writing does not wait for anything. */
const forChunks = newScratch(usualSize)
/** For what is in one piece: as large as the largest one, within a limit. */
let forOnePiece = newScratch(usualSize)

/** The output of one response, or of a part of a request to a subgraph. */
export class ResponseOutput {
  readonly #data: FetchedData
  #bytes: Buffer
  #view: DataView
  #at = 0
  /** What comes before the bytes. */
  readonly #chunks: Uint8Array[] = []
  #sizeOfChunks = 0

  /** Another number after something that was written has been removed. */
  state = 0
  readonly #isInOne: boolean

  /** @param isInOne whether everything is to be in one piece */
  constructor(data: FetchedData, isInOne = false) {
    this.#data = data
    this.#isInOne = isInOne
    const { bytes, view } = isInOne ? forOnePiece : forChunks
    this.#bytes = bytes
    this.#view = view
  }

  /** A view of what was written, if it is in one piece. */
  get view(): DataView {
    return this.#view
  }

  /** How many bytes have been written. */
  get position(): number {
    return this.#sizeOfChunks + this.#at
  }

  /** Removes what was written after the position. */
  returnTo(position: number): void {
    if (position < this.position) this.state++
    while (this.#sizeOfChunks > position) {
      const last = this.#chunks.pop()!
      this.#sizeOfChunks -= last.length
      this.#at = 0
      if (this.#sizeOfChunks < position) this.#add(last.subarray(0, position - this.#sizeOfChunks))
    }
    this.#at = position - this.#sizeOfChunks
  }

  /** Writes a word. */
  write(word: Word): void {
    const { length } = word
    if (this.#at + length > this.#bytes.length) this.#makeRoom(length)
    word.writeTo(this.#view, this.#at)
    this.#at += length
  }

  /** Writes a text. */
  writeText(text: string): void {
    const length = Buffer.byteLength(text)
    if (this.#at + length > this.#bytes.length) this.#makeRoom(length)
    this.#at += this.#bytes.write(text, this.#at)
  }

  /** Writes one byte. */
  writeByte(byte: number): void {
    if (this.#at === this.#bytes.length) this.#makeRoom(1)
    this.#bytes[this.#at++] = byte
  }

  /** Writes the fetched bytes from an address to another. */
  writeFetched(from: number, to: number): void {
    const data = this.#data
    const length = to - from
    data.locate(from)
    const start = from - data.start
    if (length >= longText && !this.#isInOne) {
      this.#flush()
      holdBytes(data.bytes)
      return this.#add(data.bytes.subarray(start, start + length))
    }
    if (this.#at + length > this.#bytes.length) this.#makeRoom(length)
    const at = this.#at
    if (length > shortText) this.#bytes.set(data.bytes.subarray(start, start + length), at)
    else copyBytes(data.view, start, start + length, this.#view, at)
    this.#at = at + length
  }

  /** Writes once more what is between two positions, and returns true; false if it is not at hand. */
  writeAgain({ from, to, state }: WrittenText): boolean {
    if (state !== this.state || from < this.#sizeOfChunks) return false
    const length = to - from
    if (this.#at + length > this.#bytes.length) {
      this.#makeRoom(length)
      if (from < this.#sizeOfChunks) return false
    }
    const start = from - this.#sizeOfChunks
    if (length > shortText) this.#bytes.copyWithin(this.#at, start, start + length)
    else copyBytes(this.#view, start, start + length, this.#view, this.#at)
    this.#at += length
    return true
  }

  /** What is full becomes a chunk: many small ones cost less than one large one, whose memory is new. */
  #makeRoom(length: number): void {
    if (!this.#isInOne && length <= this.#bytes.length) return this.#flush()
    const larger = newScratch(Math.max(2 * this.#bytes.length, this.#at + length))
    larger.bytes.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger.bytes
    this.#view = larger.view
    if (this.#isInOne && larger.bytes.length <= largestKept) forOnePiece = larger
  }

  #flush(): void {
    if (this.#at === 0) return
    const chunk = lendBuffer(this.#at)
    chunk.set(this.#bytes.subarray(0, this.#at))
    holdBytes(chunk)
    this.#add(chunk)
    this.#at = 0
  }

  #add(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#sizeOfChunks += chunk.length
  }

  /** Returns all that was written, if it is in one piece. */
  text(): string {
    return this.#bytes.toString('utf8', 0, this.#at)
  }

  /** Returns all that was written. */
  finish(): ResponseData {
    if (this.#chunks.length === 0 && this.#at < shortData) {
      return this.#bytes.toString('utf8', 0, this.#at)
    }
    this.#flush()
    return this.#chunks
  }
}
