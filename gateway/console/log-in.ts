/** Logging in and out through the graph itself, and access tokens that are renewed before they expire. */
import type { GraphQLSchema } from 'graphql'
import { codeOf, messageOf } from './graph.ts'
import type { Exchange, SendOperation } from './graph.ts'
import type { Identity, IdentityStore, LoggedIn, Tokens } from './identities.ts'
import { usePasskey } from './passkeys.ts'
import { hasField } from './schema-of.ts'

export interface Login {
  readonly username: string
  readonly password: string
  /** Of an authenticator app, or a recovery code. */
  readonly code?: string | undefined
}

export interface NewAccount {
  readonly username: string
  readonly password: string
  readonly email?: string | undefined
}

export type LoginOutcome =
  | { readonly outcome: 'logged in' }
  | { readonly outcome: 'code needed' }
  | { readonly outcome: 'refused'; readonly why: string }

export interface Accounts {
  logIn(login: Login): Promise<LoginOutcome>
  /** Creates an account, and logs in with it. */
  signUp(account: NewAccount): Promise<LoginOutcome>
  /** Logs in with a passkey of this device. */
  logInWithPasskey(): Promise<LoginOutcome>
  /** Ends the session of an identity, and removes it. */
  logOut(identity: Identity): Promise<void>
  /** Returns the credential of an identity, with a new access token if the last one is about to expire. */
  credentialOf(identity: Identity): Promise<string | undefined>
}

const tokens = 'token refreshToken expiresIn'
const logInMutation = `mutation LogIn($username: String!, $password: String!, $code: String) {
  login(username: $username, password: $password, code: $code) { ${tokens} }
}`
const signUpMutation = `mutation SignUp($username: String!, $password: String!, $email: String) {
  signUp(username: $username, password: $password, email: $email) {
    problems { field message }
    strength { suggestions }
  }
}`
const startPasskeyMutation = 'mutation StartPasskey { startPasskeyLogin }'
const finishPasskeyMutation = `mutation FinishPasskey($response: String!) {
  finishPasskeyLogin(response: $response) { ${tokens} }
}`
const refreshMutation = `mutation Refresh($refreshToken: String) {
  refresh(refreshToken: $refreshToken) { ${tokens} }
}`

/** How long before it expires an access token is renewed, in milliseconds. */
const margin = 15_000

/** Returns the accounts of the graph. */
export function accountsOf(send: SendOperation, store: IdentityStore): Accounts {
  /** A refresh token can be used once: requests at the same time wait for one renewal. */
  const renewals = new Map<string, Promise<LoggedIn>>()

  return {
    logIn,
    async signUp(account) {
      const exchange = await send({ query: signUpMutation, variables: { ...account } }, undefined)
      const data = exchange.result.data as { signUp?: SignUpPayload | null } | null | undefined
      if (!data?.signUp) return { outcome: 'refused', why: whyNot(exchange) }
      const { problems, strength } = data.signUp
      if (problems.length === 0) return logIn(account)
      const sentences = problems.map(({ field, message }) => `${field}: ${message}.`)
      const isPassword = problems.some(({ field }) => field === 'password')
      const hints = isPassword ? strength.suggestions : []
      return { outcome: 'refused', why: [...sentences, ...hints].join(' ') }
    },
    async logInWithPasskey() {
      const started = await send({ query: startPasskeyMutation }, undefined)
      const data = started.result.data as { startPasskeyLogin?: string | null } | null | undefined
      if (!data?.startPasskeyLogin) return { outcome: 'refused', why: whyNot(started) }
      let response: string
      try {
        response = await usePasskey(data.startPasskeyLogin)
      } catch (cause) {
        return { outcome: 'refused', why: messageOf(cause) }
      }
      const query = finishPasskeyMutation
      const finished = await send({ query, variables: { response } }, undefined)
      const received = tokensIn(finished, 'finishPasskeyLogin')
      if (!received) return { outcome: 'refused', why: whyNot(finished) }
      const name = await usernameOf(received)
      store.add({ kind: 'logged in', id: crypto.randomUUID(), name, ...received })
      return { outcome: 'logged in' }
    },
    async logOut(identity) {
      if (identity.kind === 'logged in' && identity.ended === undefined) {
        await send({ query: 'mutation LogOut { logout }' }, await credentialOf(identity))
      }
      store.remove(identity.id)
    },
    credentialOf,
  }

  async function logIn({ username, password, code }: Login): Promise<LoginOutcome> {
    const variables = { username, password, code }
    const exchange = await send({ query: logInMutation, variables }, undefined)
    const received = tokensIn(exchange, 'login')
    if (received) {
      store.add({ kind: 'logged in', id: crypto.randomUUID(), name: username, ...received })
      return { outcome: 'logged in' }
    }
    if (codeOf(exchange.result) === 'SECOND_FACTOR_REQUIRED' && !code) {
      return { outcome: 'code needed' }
    }
    return { outcome: 'refused', why: whyNot(exchange) }
  }

  /** Returns the name of an account: nobody types it with a passkey. */
  async function usernameOf({ accessToken }: Tokens): Promise<string> {
    const { result } = await send({ query: '{ me { username } }' }, accessToken)
    const data = result.data as { me?: { username: string } | null } | null | undefined
    return data?.me?.username ?? 'passkey'
  }

  async function credentialOf(identity: Identity): Promise<string | undefined> {
    if (identity.kind === 'nobody') return undefined
    if (identity.kind === 'pasted') return identity.credential
    return (await renewed(identity)).accessToken
  }

  async function renewed({ id }: LoggedIn): Promise<LoggedIn> {
    const current = store.state().identities.find((each) => each.id === id)
    if (current?.kind !== 'logged in') throw new Error('this identity has been removed')
    const { refreshToken, expiresAt, ended } = current
    if (ended !== undefined || !refreshToken || Date.now() < expiresAt - margin) return current
    let renewal = renewals.get(id)
    if (!renewal) {
      renewal = renew(current, refreshToken).finally(() => renewals.delete(id))
      renewals.set(id, renewal)
    }
    return renewal
  }

  async function renew(current: LoggedIn, refreshToken: string): Promise<LoggedIn> {
    const exchange = await send({ query: refreshMutation, variables: { refreshToken } }, undefined)
    const received = tokensIn(exchange, 'refresh')
    // Without a response, the session may well be open: the token is kept for the next try.
    if (!received && exchange.status === 0) return current
    const next = received ? { ...current, ...received } : { ...current, ended: whyNot(exchange) }
    store.replace(next)
    return next
  }
}

/** The ways into an account that a graph has, of those that this page knows. */
export interface Offers {
  readonly logIn: boolean
  readonly signUp: boolean
  readonly passkeys: boolean
}

/** Of a graph that has not been read. */
export const noOffers: Offers = { logIn: false, signUp: false, passkeys: false }

/** Returns what a graph offers. */
export function offersOf(schema: GraphQLSchema): Offers {
  return {
    logIn: hasField(schema, 'Mutation', 'login', ['username', 'password', 'code']),
    signUp: hasField(schema, 'Mutation', 'signUp', ['username', 'password', 'email']),
    passkeys:
      hasField(schema, 'Mutation', 'startPasskeyLogin') &&
      hasField(schema, 'Mutation', 'finishPasskeyLogin', ['response']),
  }
}

function tokensIn(
  { result }: Exchange,
  field: 'login' | 'refresh' | 'finishPasskeyLogin',
): Tokens | undefined {
  const data = result.data as Record<string, Payload | null> | null | undefined
  const payload = data?.[field]
  if (!payload?.token) return undefined
  const expiresAt = Date.now() + payload.expiresIn * 1_000
  return { accessToken: payload.token, refreshToken: payload.refreshToken ?? undefined, expiresAt }
}

interface Payload {
  readonly token: string | null
  readonly refreshToken: string | null
  readonly expiresIn: number
}

interface SignUpPayload {
  readonly problems: readonly { readonly field: string; readonly message: string }[]
  readonly strength: { readonly suggestions: readonly string[] }
}

function whyNot({ status, result }: Exchange): string {
  return result.errors?.[0]?.message ?? `no tokens in the response (HTTP ${status})`
}
