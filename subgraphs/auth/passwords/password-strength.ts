/**
 * A hint, never a rule: how long a password would withstand guessing, by zxcvbn. It is estimated in a
 * thread of its own, within a time limit: no text, however odd, holds up anybody else.
 */
import type { Worker } from 'node:worker_threads'
import { ownThread } from '../../kit/process/own-thread.ts'

export interface PasswordStrength {
  /** 0 (guessed at once) to 4. */
  readonly score: number
  readonly warning: string | null
  readonly suggestions: readonly string[]
}

/** What the thread estimates. */
export interface EstimateTask {
  readonly password: string
  readonly known: readonly string[]
}

export interface StrengthEstimator {
  /**
   * Returns the strength; a rough one where the estimate takes too long or too many wait for theirs.
   *
   * @param known what an attacker knows of the person: the username, the e-mail address
   */
  estimate(password: string, known: readonly string[]): Promise<PasswordStrength>
  close(): Promise<void>
}

export interface StrengthEstimatorOptions {
  /** How long one estimate may take, in milliseconds; its thread ends with it. */
  timeLimit?: number
  /** How many may wait for theirs, the one under way counted. */
  waiting?: number
}

/** In UTF-16 units. The time grows with the square of it, and what is longer is not weaker. */
const longestEstimated = 24
const longestKnown = 100

/** How long the thread may take to load its dictionaries, in milliseconds. */
const startLimit = 10_000

/** Returns the estimator. Its thread starts with the first password, and keeps no process alive. */
export function strengthEstimator(options: StrengthEstimatorOptions = {}): StrengthEstimator {
  const { timeLimit = 1_000, waiting = 4 } = options
  let thread: Promise<Worker> | undefined
  let last: Promise<unknown> = Promise.resolve()
  let pending = 0

  return {
    async estimate(password, known) {
      if (pending >= waiting) return roughStrength(password)
      pending++
      const task = {
        password: password.slice(0, longestEstimated),
        known: known.map((text) => text.slice(0, longestKnown)),
      }
      const estimate = last.then(() => inThread(task)).finally(() => pending--)
      last = estimate.catch(() => {})
      return estimate.catch(() => roughStrength(password))
    },

    async close() {
      await (await thread?.catch(() => undefined))?.terminate()
    },
  }

  async function inThread(task: EstimateTask): Promise<PasswordStrength> {
    thread ??= startThread()
    try {
      const worker = await thread
      const result = nextMessage<PasswordStrength>(worker, timeLimit)
      worker.postMessage(task)
      return await result
    } catch (cause) {
      thread = undefined
      throw cause
    }
  }
}

async function startThread(): Promise<Worker> {
  const worker = ownThread('./strength-thread', import.meta.url)
  worker.unref()
  // While nothing is expected of it; a task listens for itself.
  worker.on('error', () => {})
  await nextMessage(worker, startLimit)
  return worker
}

/** Returns what the thread says next; rejects, and ends it, when it fails or takes too long. */
function nextMessage<Message>(worker: Worker, limit: number): Promise<Message> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => {
      settle()
      void worker.terminate()
      reject(cause)
    }
    const succeed = (message: Message) => {
      settle()
      resolve(message)
    }
    const end = () => fail(new Error('the thread ended'))
    const timer = setTimeout(() => fail(new Error('the thread takes too long')), limit)
    const settle = () => {
      clearTimeout(timer)
      worker.off('message', succeed).off('error', fail).off('exit', end)
    }
    worker.on('message', succeed).on('error', fail).on('exit', end)
  })
}

/** The most different characters with which a password has each score, as if all were random. */
const roughScores = [3, 6, 8, 10]

/** Returns a score by the number of different characters, which costs nothing. */
export function roughStrength(password: string): PasswordStrength {
  const different = new Set(password.slice(0, longestEstimated)).size
  const score = roughScores.findIndex((most) => different <= most)
  return { score: score < 0 ? roughScores.length : score, warning: null, suggestions: [] }
}
