/** Who asks: the identities of the page, and how another one is added. */
import { useRef, useState } from 'preact/hooks'
import type { ComponentChildren, TargetedSubmitEvent } from 'preact'
import { mostIdentities } from './identities.ts'
import type { Identity, IdentityState, IdentityStore } from './identities.ts'
import { DevelopmentAccount } from './development-account.tsx'
import type { Accounts, KeptIn, Offers } from './log-in.ts'
import { addressForPasskeys } from './passkeys.ts'
import { SignUpForm } from './sign-up-form.tsx'
import { Problem } from './problem.tsx'
import { useChange } from './use-change.ts'

export interface WhoProps {
  readonly state: IdentityState
  readonly store: IdentityStore
  readonly accounts: Accounts
  readonly offers: Offers
}

/** The part "Who". */
export function Who({ state, store, accounts, offers }: WhoProps) {
  const { identities, chosen } = state
  const isFull = identities.length >= mostIdentities
  const [problem, setProblem] = useState('')
  const [wantsCookies, setWantsCookies] = useState(true)
  const canHaveCookies =
    offers.cookies && !identities.some((each) => each.kind === 'in this browser' && !each.ended)
  const keptIn = canHaveCookies && wantsCookies ? 'cookies' : 'tab'
  const logOut = async (identity: Identity) => setProblem((await accounts.logOut(identity)) ?? '')
  const who = useRef<HTMLElement>(null)
  // The button that was pressed is gone, or its form has closed. Other tabs log in and out, too: they take no focus.
  useChange(identities.length, () => {
    const { activeElement, body } = document
    if (activeElement !== body && !who.current!.contains(activeElement)) return
    who.current!.querySelector<HTMLInputElement>('[name=identity]:checked')?.focus()
  })
  return (
    <section ref={who} class="who" aria-labelledby="who">
      <h2 id="who">Who asks</h2>
      <fieldset>
        <legend class="unseen">Identity</legend>
        {identities.map((identity) => (
          <label
            key={identity.id}
            class={identity.id === chosen.id ? 'identity chosen' : 'identity'}
          >
            <input
              type="radio"
              name="identity"
              checked={identity.id === chosen.id}
              onChange={() => store.choose(identity.id)}
            />
            <span>{identity.name}</span>
            <small class={hasEnded(identity) ? 'unmet' : undefined}>{about(identity)}</small>
          </label>
        ))}
      </fieldset>
      <p role="status" class="unseen">
        {identities.map((each) => hasEnded(each) && `The session of ${each.name} has ended. `)}
      </p>
      <p class="actions">
        <span class="hint">
          <kbd>F2</kbd> switches
        </span>
        {(chosen.kind === 'logged in' || chosen.kind === 'in this browser') && (
          <button type="button" onClick={() => logOut(chosen)}>
            Log out {chosen.name}
          </button>
        )}
        {chosen.kind === 'pasted' && (
          <button type="button" onClick={() => store.remove(chosen.id)}>
            Forget {chosen.name}
          </button>
        )}
      </p>
      <Problem>{problem}</Problem>
      {isFull ? (
        <p class="hint">There are as many identities as fit: log one out to add another.</p>
      ) : (
        <>
          {offers.logIn && (
            <LoginForm
              accounts={accounts}
              keptIn={keptIn}
              hasPasskeys={offers.passkeys}
              isOpen={identities.length === 1}
            >
              {canHaveCookies && (
                <label class="choice">
                  <input
                    type="checkbox"
                    checked={wantsCookies}
                    onChange={(event) => setWantsCookies(event.currentTarget.checked)}
                  />
                  Stay logged in, in all tabs: by cookies, which no script can read
                </label>
              )}
            </LoginForm>
          )}
          {offers.logIn && offers.signUp && <SignUpForm accounts={accounts} keptIn={keptIn} />}
          <CredentialForm store={store} />
        </>
      )}
    </section>
  )
}

function about(identity: Identity): string {
  if (identity.kind === 'nobody') return 'no credential'
  if (identity.kind === 'pasted') return 'a token or key from elsewhere'
  if (identity.ended !== undefined) return `logged out: ${identity.ended}`
  return identity.kind === 'logged in' ? 'logged in, in this tab' : 'logged in, in this browser'
}

function hasEnded(identity: Identity): boolean {
  return 'ended' in identity && identity.ended !== undefined
}

interface LoginFormProps {
  readonly accounts: Accounts
  readonly keptIn: KeptIn
  readonly hasPasskeys: boolean
  readonly isOpen: boolean
  /** What else is to be decided before the login. */
  readonly children: ComponentChildren
}

function LoginForm({ accounts, keptIn, hasPasskeys, isOpen, children }: LoginFormProps) {
  const [needsCode, setNeedsCode] = useState(false)
  const [problem, setProblem] = useState('')
  const otherAddress = addressForPasskeys()

  async function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const fields = new FormData(form)
    const code = String(fields.get('code') ?? '').trim()
    setProblem('')
    const login = {
      username: String(fields.get('username')),
      password: String(fields.get('password')),
      ...(code ? { code } : {}),
    }
    const result = await accounts.logIn(login, keptIn)
    setNeedsCode(result.outcome === 'code needed')
    if (result.outcome === 'refused') setProblem(result.why)
    if (result.outcome === 'logged in') form.reset()
  }

  async function logInWithPasskey() {
    setProblem('')
    const result = await accounts.logInWithPasskey(keptIn)
    if (result.outcome === 'refused') setProblem(result.why)
  }

  return (
    <details open={isOpen}>
      <summary>Log in</summary>
      <form onSubmit={submit}>
        <label>
          Username
          <input name="username" required autocomplete="username" spellcheck={false} />
        </label>
        <label>
          Password
          <input name="password" type="password" required autocomplete="current-password" />
        </label>
        {needsCode && (
          <label>
            Code of the authenticator app
            <input name="code" required autocomplete="one-time-code" inputMode="numeric" />
          </label>
        )}
        {children}
        <p class="actions">
          <button type="submit">Log in</button>
          {hasPasskeys && !otherAddress && (
            <button type="button" onClick={logInWithPasskey}>
              Log in with a passkey
            </button>
          )}
        </p>
        {hasPasskeys && otherAddress && (
          <p class="hint">
            Passkeys need a name instead of numbers in the address: to use them, open{' '}
            <a href={otherAddress}>this page at localhost</a>.
          </p>
        )}
        <Problem>{problem}</Problem>
      </form>
      <DevelopmentAccount accounts={accounts} keptIn={keptIn} />
    </details>
  )
}

/** In characters: Node.js refuses longer headers by default. */
const longestCredential = 16_384

function CredentialForm({ store }: { store: IdentityStore }) {
  const [problem, setProblem] = useState('')

  function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const given = String(new FormData(form).get('credential'))
    const credential = given.trim().replace(/^Bearer\s+/i, '')
    // What cannot be in a header (RFC 6750, section 2.1) cannot be a token.
    if (!/^[\x21-\x7e]+$/.test(credential)) {
      return setProblem('This is not one token or key: it has spaces or other characters in it')
    }
    if (credential.length > longestCredential) {
      return setProblem('This is too long for a header: it is not a token or a key')
    }
    setProblem('')
    const id = crypto.randomUUID()
    store.add({ kind: 'pasted', id, name: subjectOf(credential) ?? 'key', credential })
    form.reset()
  }

  return (
    <details>
      <summary>Use a token or an API key</summary>
      <form onSubmit={submit}>
        <label>
          Token or key
          <input name="credential" type="password" required autocomplete="off" />
        </label>
        <button type="submit">Use it</button>
        <Problem>{problem}</Problem>
      </form>
    </details>
  )
}

/** Returns the subject that a JWT claims, verified or not: a name to tell it from others. */
function subjectOf(credential: string): string | undefined {
  try {
    const payload = credential.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')
    const { sub } = JSON.parse(atob(payload)) as { sub?: unknown }
    return typeof sub === 'string' ? `token of ${sub.slice(0, 40)}` : undefined
  } catch {
    return undefined
  }
}
