/**
 * Questions between two processes that hold the ends of a channel: each can ask, and answers what it
 * knows to answer.
 */
export interface Channel {
  send(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
  /** The other end is gone. */
  onClosed(listener: () => void): void
}

/** What may be asked of an end, by name: the answers. */
export type Answers = Readonly<Record<string, (argument: never) => unknown>>

/** Asks the other end; rejects when that fails, or the channel closes before. */
export type Ask<Theirs extends Answers> = <Name extends keyof Theirs & string>(
  name: Name,
  ...argument: Parameters<Theirs[Name]>
) => Promise<Awaited<ReturnType<Theirs[Name]>>>

/** Why there is no answer: the other end is gone. */
export class ChannelClosed extends Error {
  override name = 'ChannelClosed'

  constructor() {
    super('the other process has ended')
  }
}

interface Question {
  readonly question: number
  readonly name: string
  readonly argument: unknown
}
type Answer =
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly failure: string }

/** Answers at this end of the channel, and returns the function that asks the other. */
export function openQuestions<Theirs extends Answers>(
  channel: Channel,
  answers: Answers,
): Ask<Theirs> {
  const asked = new Map<number, { resolve(value: unknown): void; reject(cause: Error): void }>()
  let closed = false
  let count = 0

  channel.onMessage((message) => {
    const received = (message ?? {}) as Partial<Question> & Partial<Answer>
    if (received.question !== undefined) void reply(received as Question)
    else if (received.answer !== undefined) settle(received as Answer)
  })
  channel.onClosed(() => {
    closed = true
    for (const { reject } of asked.values()) reject(new ChannelClosed())
    asked.clear()
  })

  return (name, ...[argument]) => {
    if (closed) return Promise.reject(new ChannelClosed())
    const question = count++
    return new Promise((resolve, reject) => {
      asked.set(question, { resolve: resolve as (value: unknown) => void, reject })
      send({ question, name, argument } satisfies Question)
    })
  }

  async function reply({ question, name, argument }: Question): Promise<void> {
    try {
      const value = await answers[name]!(argument as never)
      send({ answer: question, value } satisfies Answer)
    } catch (cause) {
      send({ answer: question, failure: (cause as Error).message } satisfies Answer)
    }
  }

  function settle(answer: Answer): void {
    const { resolve, reject } = asked.get(answer.answer) ?? {}
    asked.delete(answer.answer)
    if ('failure' in answer) reject?.(new Error(answer.failure))
    else resolve?.(answer.value)
  }

  function send(message: Question | Answer): void {
    if (!closed) channel.send(message)
  }
}
