/** The ways into an account and out of it, through the graph itself. */
import type { GraphQLSchema } from 'graphql'
import { cookies, nothing } from './credential.ts'
import type { Credential } from './credential.ts'
import { codeOf, messageOf } from './graph.ts'
import type { Exchange, Operation, SendOperation } from './graph.ts'
import type { Identity, IdentityStore } from './identities.ts'
import { usePasskey } from './passkeys.ts'
import type { CredentialOf } from './renew.ts'
import { hasField } from './schema-of.ts'
import { cookieLock, sendInCookies } from './send-in-cookies.ts'
import { expiryIn, payloadFields, tokensIn, whyNot } from './tokens.ts'
import type { TokenMutation } from './tokens.ts'

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
  | { readonly outcome: 'code needed' | 'refused'; readonly why: string }

/** Where the tokens of a login are kept: in cookies, for all tabs and until the logout, or in this tab. */
export type KeptIn = 'cookies' | 'tab'

export interface Accounts {
  logIn(login: Login, keptIn: KeptIn): Promise<LoginOutcome>
  /** Creates an account, and logs in with it. */
  signUp(account: NewAccount, keptIn: KeptIn): Promise<LoginOutcome>
  /** Logs in with a passkey of this device. */
  logInWithPasskey(keptIn: KeptIn): Promise<LoginOutcome>
  /** Ends the session of an identity, and removes it. Returns why that has failed; undefined if it has not. */
  logOut(identity: Identity): Promise<string | undefined>
  readonly credentialOf: CredentialOf
}

const signUpMutation = `mutation SignUp($username: String!, $password: String!, $email: String) {
  signUp(username: $username, password: $password, email: $email) {
    problems { field message }
    strength { suggestions }
  }
}`
const logOutMutation = 'mutation LogOut { logout }'
const startPasskeyMutation = 'mutation StartPasskey { startPasskeyLogin }'

/** An operation that logs in, by where it is to write the tokens. */
interface LoginOperation {
  readonly field: TokenMutation
  /** What the identity is called if the graph does not say it. */
  readonly name: string
  readonly to: (keptIn: KeptIn) => Operation
}

/** Returns the accounts of the graph. */
export function accountsOf(
  send: SendOperation,
  store: IdentityStore,
  credentialOf: CredentialOf,
  locks: LockManager,
): Accounts {
  return {
    logIn,
    async signUp(account, keptIn) {
      const exchange = await send({ query: signUpMutation, variables: { ...account } }, nothing)
      const data = exchange.result.data as { signUp?: SignUpPayload | null } | null | undefined
      if (!data?.signUp) return { outcome: 'refused', why: whyNot(exchange) }
      const { problems, strength } = data.signUp
      if (problems.length === 0) return logIn(account, keptIn)
      const sentences = problems.map(({ field, message }) => `${field}: ${message}.`)
      const isPassword = problems.some(({ field }) => field === 'password')
      const hints = isPassword ? strength.suggestions : []
      return { outcome: 'refused', why: [...sentences, ...hints].join(' ') }
    },
    async logInWithPasskey(keptIn) {
      const started = await send({ query: startPasskeyMutation }, nothing)
      const data = started.result.data as { startPasskeyLogin?: string | null } | null | undefined
      if (!data?.startPasskeyLogin) return { outcome: 'refused', why: whyNot(started) }
      try {
        const response = await usePasskey(data.startPasskeyLogin)
        return await enter(finishPasskeyLogin(response), keptIn)
      } catch (cause) {
        return { outcome: 'refused', why: messageOf(cause) }
      }
    },
    async logOut(identity) {
      if (identity.kind === 'in this browser') {
        const exchange = await logOutOfCookies(identity)
        if (exchange && !hasEnded(exchange) && !(await isOver(identity, exchange))) {
          return whyNot(exchange)
        }
      } else if (identity.kind === 'logged in' && identity.ended === undefined) {
        await send({ query: logOutMutation }, await credentialOf(identity))
      }
      store.remove(identity.id)
      return undefined
    },
    credentialOf,
  }

  /**
   * Returns the response; undefined if another tab has done it. Also after the session has ended: this removes the
   * cookies.
   */
  function logOutOfCookies({ id }: Identity): Promise<Exchange | undefined> {
    return locks.request(cookieLock, async () => {
      if (!store.find(id)) return undefined
      const exchange = await sendInCookies(send, { query: logOutMutation })
      if (hasEnded(exchange)) store.remove(id)
      return exchange
    })
  }

  /** Without the cookies there is nothing to end: then they cannot be renewed either. */
  async function isOver(identity: Identity, { status }: Exchange): Promise<boolean> {
    if (status === 0) return false
    const renewed = credentialOf(identity, { isRefused: true })
    return renewed.then(
      () => false,
      () => true,
    )
  }

  async function logIn(login: Login, keptIn: KeptIn): Promise<LoginOutcome> {
    const result = await enter(loginWith(login), keptIn)
    const isCodeWrong = result.outcome === 'code needed' && login.code
    return isCodeWrong ? { ...result, outcome: 'refused' } : result
  }

  async function enter(operation: LoginOperation, keptIn: KeptIn): Promise<LoginOutcome> {
    const { field, to, name } = operation
    if (keptIn === 'cookies') {
      const result = await locks.request(cookieLock, () => enterInCookies(operation))
      if (result) return result
    }
    const exchange = await send(to('tab'), nothing)
    const received = tokensIn(exchange, field)
    if (!received) return refusal(exchange)
    const username = await usernameOf({ kind: 'bearer', token: received.accessToken })
    const id = crypto.randomUUID()
    store.add({ kind: 'logged in', id, name: username ?? name, ...received })
    return { outcome: 'logged in' }
  }

  /** Returns undefined where cookies are off: nothing has been tried yet. */
  async function enterInCookies({ field, to }: LoginOperation): Promise<LoginOutcome | undefined> {
    const exchange = await sendInCookies(send, to('cookies'))
    const expiresAt = expiryIn(exchange, field)
    if (expiresAt === undefined) return isAboutCookies(exchange) ? undefined : refusal(exchange)
    const name = await usernameOf(cookies)
    if (name === undefined) {
      // If they are there after all, nobody could log out of them.
      await sendInCookies(send, { query: logOutMutation })
      const why =
        'The browser has not kept the cookies: they need https, or localhost in most browsers. Log in without them'
      return { outcome: 'refused', why }
    }
    store.add({ kind: 'in this browser', id: crypto.randomUUID(), name, expiresAt })
    return { outcome: 'logged in' }
  }

  /** Returns the name of an account in its canonical form; undefined if the credential is of none. */
  async function usernameOf(credential: Credential): Promise<string | undefined> {
    const { result } = await send({ query: '{ me { username } }' }, credential)
    const data = result.data as { me?: { username: string } | null } | null | undefined
    return data?.me?.username
  }
}

function loginWith({ username, password, code }: Login): LoginOperation {
  return {
    field: 'login',
    name: username,
    to: (keptIn) => ({
      query: `mutation LogIn($username: String!, $password: String!, $code: String) {
  login(username: $username, password: $password, code: $code${inCookies(keptIn)}) { ${payloadFields} }
}`,
      variables: { username, password, code },
    }),
  }
}

function finishPasskeyLogin(response: string): LoginOperation {
  return {
    field: 'finishPasskeyLogin',
    name: 'passkey',
    to: (keptIn) => ({
      query: `mutation FinishPasskey($response: String!) {
  finishPasskeyLogin(response: $response${inCookies(keptIn)}) { ${payloadFields} }
}`,
      variables: { response },
    }),
  }
}

function inCookies(keptIn: KeptIn): string {
  return keptIn === 'cookies' ? ', inCookies: true' : ''
}

function refusal(exchange: Exchange): LoginOutcome {
  const isCodeNeeded = codeOf(exchange.result) === 'SECOND_FACTOR_REQUIRED'
  return { outcome: isCodeNeeded ? 'code needed' : 'refused', why: whyNot(exchange) }
}

function hasEnded({ result }: Exchange): boolean {
  const data = result.data as { readonly logout?: boolean | null } | null | undefined
  return typeof data?.logout === 'boolean'
}

/** Returns whether a login was refused because auth writes no cookies (`SESSION_COOKIES`). */
function isAboutCookies({ result }: Exchange): boolean {
  return result.errors?.[0]?.extensions?.['setting'] === 'SESSION_COOKIES'
}

/** The ways into an account that a graph has, of those that this page knows. */
export interface Offers {
  readonly logIn: boolean
  readonly signUp: boolean
  readonly passkeys: boolean
  /** Whether the tokens can be in cookies. */
  readonly cookies: boolean
}

/** Of a graph that has not been read. */
export const noOffers: Offers = { logIn: false, signUp: false, passkeys: false, cookies: false }

/**
 * Returns what a graph offers.
 *
 * @param readsCookies whether the gateway finds access tokens in cookies
 */
export function offersOf(schema: GraphQLSchema, readsCookies: boolean): Offers {
  const offers = (field: string, args: readonly string[]) =>
    hasField(schema, 'Mutation', field, args)
  return {
    logIn: offers('login', ['username', 'password', 'code']),
    signUp: offers('signUp', ['username', 'password', 'email']),
    passkeys: offers('startPasskeyLogin', []) && offers('finishPasskeyLogin', ['response']),
    cookies: readsCookies && offers('login', ['inCookies']) && offers('logout', []),
  }
}

interface SignUpPayload {
  readonly problems: readonly { readonly field: string; readonly message: string }[]
  readonly strength: { readonly suggestions: readonly string[] }
}
