/** Passkeys in a browser (WebAuthn level 3, sections 5.1.8 to 5.1.10): options and responses are JSON. */

/** Creates a passkey on a device; returns its response. Throws an Error with a sentence if there is none. */
export async function createPasskey(options: string): Promise<string> {
  const json = JSON.parse(options) as PublicKeyCredentialCreationOptionsJSON
  requireDomain(json.rp.id)
  const publicKey = webAuthn().parseCreationOptionsFromJSON(json)
  return responseOf(await navigator.credentials.create({ publicKey }))
}

/** Lets the device use one of its passkeys; returns its response. Throws an Error with a sentence if there is none. */
export async function usePasskey(options: string): Promise<string> {
  const json = JSON.parse(options) as PublicKeyCredentialRequestOptionsJSON
  requireDomain(json.rpId)
  const publicKey = webAuthn().parseRequestOptionsFromJSON(json)
  return responseOf(await navigator.credentials.get({ publicKey }))
}

/** Browsers without the functions for JSON have none of the newer ones either: they are told so. */
function webAuthn(): typeof PublicKeyCredential {
  const isKnown =
    'PublicKeyCredential' in globalThis && 'parseCreationOptionsFromJSON' in PublicKeyCredential
  if (isKnown) return PublicKeyCredential
  throw new Error('This browser has no passkeys here: it is too old, or the page is not at https')
}

/**
 * Returns the address of this page at which passkeys can be used; undefined if it is this one. A passkey is bound to a
 * domain (WebAuthn, section 5.1.3), and `127.0.0.1` is none.
 */
export function addressForPasskeys(): string | undefined {
  const address = new URL(location.href)
  if (!['127.0.0.1', '[::1]'].includes(address.hostname)) return undefined
  address.hostname = 'localhost'
  return address.href
}

/** A passkey is bound to a domain, which an address of numbers is not part of. */
function requireDomain(id: string | undefined): void {
  const { protocol, hostname, port } = location
  if (id === undefined || hostname === id || hostname.endsWith(`.${id}`)) return
  const origin = `${protocol}//${id}${port && `:${port}`}`
  throw new Error(`The passkeys of this graph are bound to ${id}: open this page at ${origin}/`)
}

function responseOf(credential: Credential | null): string {
  if (credential instanceof PublicKeyCredential) return JSON.stringify(credential.toJSON())
  throw new Error('The device has returned no passkey')
}
