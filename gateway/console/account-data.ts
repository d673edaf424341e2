/** Data of an account, by operations that are sent as one identity. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { messageOf } from './graph.ts'
import type { Operation, SendOperation } from './graph.ts'
import type { Identity } from './identities.ts'
import type { Accounts } from './log-in.ts'

/** Sends an operation and returns its data; throws an Error with the sentence of the graph. */
export type SendAs = <Data>(query: string, variables?: Operation['variables']) => Promise<Data>

/** Returns the function that sends operations as an identity. */
export function sendingAs(identity: Identity, accounts: Accounts, send: SendOperation): SendAs {
  return async <Data>(query: string, variables?: Operation['variables']) => {
    const credential = await accounts.credentialOf(identity)
    const { status, result } = await send({ query, variables }, credential)
    if (result.data && !result.errors) return result.data as Data
    throw new Error(result.errors?.[0]?.message ?? `HTTP ${status}`)
  }
}

export interface AccountData<Data> {
  /** Undefined until it has been read. */
  readonly data: Data | undefined
  /** Why it could not be read, or the last action has failed. */
  readonly problem: string
  /** Performs an action, and reads the data again. */
  act(action: () => Promise<unknown>): Promise<void>
}

/**
 * Reads data of an account now, after each action, and when `version` changes. A component that uses it needs the
 * identity as its key: the data of one identity must not be shown under the name of another.
 */
export function useAccountData<Data>(
  sendAs: SendAs,
  query: string,
  { variables, version }: { variables?: Operation['variables']; version?: unknown } = {},
): AccountData<Data> {
  const [data, setData] = useState<Data | undefined>(undefined)
  const [problem, setProblem] = useState('')
  // Of several requests at the same time, the last one counts, whichever is slower.
  const last = useRef(0)
  const act = async (action: () => Promise<unknown>) => {
    setProblem('')
    try {
      await action()
      const request = ++last.current
      const read = await sendAs<Data>(query, variables)
      if (request === last.current) setData(read)
    } catch (cause) {
      setProblem(messageOf(cause))
    }
  }
  useEffect(() => void act(async () => {}), [version])
  return { data, problem, act }
}
