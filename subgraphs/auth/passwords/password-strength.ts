/**
 * A hint, not a rule: how long a password would withstand guessing, estimated by zxcvbn in a separate
 * thread with a time limit, so that no text can block other requests.
 */
import type { Worker } from 'node:worker_threads'
import { ownThread } from '../../kit/process/own-thread.ts'

export interface PasswordStrength {
  /** 0 (guessed immediately) to 4. */
  readonly score: number
  readonly warning: string | null
  readonly suggestions: readonly string[]
}

/** A request to the thread. */
export interface EstimateTask {
  readonly password: string
  readonly known: readonly string[]
}

export interface StrengthEstimator {
  /**
   * Returns the strength; a rough one if the estimate takes too long or too many are waiting.
   *
   * @param known what an attacker knows about the user: the username, the e-mail address
   */
  estimate(password: string, known: readonly string[]): Promise<PasswordStrength>
  close(): Promise<void>
}

export interface StrengthEstimatorOptions {
  /** How long an estimate may take, in milliseconds; then its thread is terminated. */
  timeLimit?: number
  /** How many estimates may be pending, including the running one. */
  waiting?: number
}

/** In UTF-16 units. The time is quadratic in it, and a longer password is not weaker. */
const longestEstimated = 24
const longestKnown = 100

/** How long the thread may take to load its dictionaries, in milliseconds. */
const startLimit = 10_000

/** Returns the estimator. Its thread starts with the first password, and does not keep the process alive. */
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
  // For errors while it is idle; each task handles its own.
  worker.on('error', () => {})
  await nextMessage(worker, startLimit)
  return worker
}

/** Returns the next message of the thread; rejects, and terminates it, if it fails or takes too long. */
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

/** Returns a score by the number of different characters, which is cheap. */
export function roughStrength(password: string): PasswordStrength {
  const different = new Set(password.slice(0, longestEstimated)).size
  const score = roughScores.findIndex((most) => different <= most)
  return { score: score < 0 ? roughScores.length : score, warning: null, suggestions: [] }
}
