/** `npm run keys`: the signing keys of auth, the claims keys of subgraphs, and what else is made of secrets. */
import { gatewaySecrets, problemOfSecrets } from '../gateway/process/gateway-secrets.ts'
import { subjectPseudonyms } from '../gateway/telemetry/subject-pseudonym.ts'
import { auditTrail } from '../subgraphs/auth/audit/audit-trail.ts'
import type { AuditEvent } from '../subgraphs/auth/audit/audit-trail.ts'
import type { AuthDatabase } from '../subgraphs/auth/database.ts'
import { readKeySettings } from '../subgraphs/auth/settings.ts'
import { keyEncryption } from '../subgraphs/auth/tokens/key-encryption.ts'
import type { KeyEncryption } from '../subgraphs/auth/tokens/key-encryption.ts'
import { keyLifecycle } from '../subgraphs/auth/tokens/key-lifecycle.ts'
import type { KeyLifecycle, KeyOutcome } from '../subgraphs/auth/tokens/key-lifecycle.ts'
import { requireOpenable } from '../subgraphs/auth/tokens/signing-keys.ts'
import { deriveClaimsKey } from '../subgraphs/kit/claims-header.ts'
import { readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { requireOptionalPackages } from '../subgraphs/kit/process/optional-packages.ts'
import { productCommand } from '../subgraphs/kit/process/product-command.ts'
import { developmentSecret } from '../subgraphs/kit/process/development-secret.ts'
import { readSettings } from '../subgraphs/kit/process/settings.ts'
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { runCommand } from './command.ts'
import { createSigningKey } from './compose/sign-supergraph.ts'
import { signManifest } from './keys/sign-manifest.ts'
import { refuseUnknownSubgraph } from './keys/known-subgraph.ts'

const usage = `
Usage: ${productCommand('keys', 'COMMAND')}

The keys that sign access tokens:
  list             all keys: their state, since when, until when
  rotate           the next key signs as soon as every gateway can know it; the one that signs now
                   stays published until its last token has expired
  retire KEY       stops publishing a key that does not sign
  revoke KEY       the key was stolen: its tokens are refused immediately, and the next key signs
  reencrypt        encrypts them, and the secrets of authenticator apps, under the first secret of
                   KEY_ENCRYPTION_SECRET, NEW,OLD: nothing needs OLD any more

The keys that verify claims headers:
  claims-key NAME  prints the key of one subgraph for its CLAIMS_KEY, from GATEWAY_SECRET(_FILE);
                   two where that has two secrets
  --config FILE    the list of subgraphs, in which NAME has to be (default: supergraph.yaml, if it is there)

The key that signs supergraphs (${productCommand('compose', '--sign FILE')}):
  supergraph-key FILE
                   writes a new private key to FILE, and prints the public one for supergraph.keys

The signature of a manifest of known operations:
  sign-operations FILE --key KEY
                   signs FILE with the private key in KEY, and writes the signature to FILE.jws

The pseudonym of a subject in the log of the gateway:
  log-subject SUB  prints it, from GATEWAY_SECRET(_FILE); two where that has two secrets. SUB as subgraphs
                   get it: with the subject_prefix of its issuer, if that has one

Settings as for ${productCommand('auth')}: DATABASE_URL or DATA_DIR, KEY_ENCRYPTION_SECRET(_FILE), TOKEN_ALGORITHM,
ACCESS_TOKEN_LIFETIME, KEY_ROTATION_PERIOD, NODE_ENV.
`

runCommand('keys', async () => {
  const { positionals, values } = readCommandLine({
    usage,
    options: { config: { type: 'string' }, key: { type: 'string' } },
    positionals: true,
  })
  const [command = '', argument, ...more] = positionals
  const words: { readonly [command: string]: string | undefined } = {
    list: undefined,
    rotate: undefined,
    retire: 'a key, as list shows it',
    revoke: 'a key, as list shows it',
    reencrypt: undefined,
    'claims-key': 'the name of a subgraph',
    'supergraph-key': 'the file for the private key',
    'sign-operations': 'the file of the manifest',
    'log-subject': 'the subject',
  }
  if (command === '') throw new StartFailure('which command? See --help')
  if (!Object.hasOwn(words, command)) {
    throw new StartFailure(`unknown command ${JSON.stringify(command)}: see --help`)
  }
  const [unexpected] = words[command] === undefined ? positionals.slice(1) : more
  if (unexpected !== undefined) {
    throw new StartFailure(
      `unexpected word ${JSON.stringify(unexpected)} after ${command}: see --help`,
    )
  }
  if (values.config !== undefined && command !== 'claims-key') {
    throw new StartFailure('--config can only be used with claims-key: see --help')
  }
  if (values.key !== undefined && command !== 'sign-operations') {
    throw new StartFailure('--key can only be used with sign-operations: see --help')
  }
  if (command === 'list') return withKeys(list)
  if (command === 'rotate') return withKeys(rotate)
  if (command === 'reencrypt') return withKeys(reencryptAll)
  const given = required(argument, words[command]!)
  if (command === 'claims-key') {
    await refuseUnknownSubgraph(given, values.config)
    return console.log(claimsKeys(given).join(','))
  }
  if (command === 'log-subject') {
    const pseudonyms = readGatewaySecrets().map((secret) => subjectPseudonyms(secret)(given))
    return console.log(pseudonyms.join('\n'))
  }
  if (command === 'sign-operations') {
    return signManifest(given, required(values.key, 'the file of the private key (--key)'))
  }
  if (command === 'supergraph-key') {
    return console.log(JSON.stringify(await createSigningKey(given)))
  }
  return withKeys((parts) => withdraw(command === 'retire' ? 'retire' : 'revoke', given, parts))
})

interface KeyParts {
  database: AuthDatabase
  encryption: KeyEncryption
  lifecycle: KeyLifecycle
  record: (event: AuditEvent) => Promise<void>
}

async function withKeys(act: (parts: KeyParts) => Promise<void>): Promise<void> {
  // Not for the other commands, which need no database.
  requireOptionalPackages()
  const { openAuthDatabase } = await import('../subgraphs/auth/database.ts')
  const settings = readKeySettings(process.env)
  const database = await openAuthDatabase(settings.databaseUrl)
  try {
    const encryption = keyEncryption(settings.keyEncryptionSecrets)
    const audit = auditTrail(database, settings.keyEncryptionSecrets[0], Date.now)
    const lifecycle = keyLifecycle({ database, encryption, ...settings.keys, now: Date.now })
    await requireOpenable(lifecycle, encryption)
    await act({ database, encryption, lifecycle, record: (event) => audit.record({ event }) })
  } finally {
    await database.destroy()
  }
}

async function list({ lifecycle }: KeyParts): Promise<void> {
  for (const { row, state, retiresAt } of await lifecycle.list()) {
    const from = row.signs_from === 0 ? row.created_at : row.signs_from
    const until = retiresAt === undefined ? '' : `, published until ${time(retiresAt)}`
    console.log(`${row.id}  ${row.algorithm}  ${state.padEnd(8)}  signs from ${time(from)}${until}`)
  }
}

async function rotate({ lifecycle, record }: KeyParts): Promise<void> {
  const { key, signsFrom } = await lifecycle.rotate()
  await record('keys rotated')
  const when = signsFrom <= Date.now() ? 'now' : `from ${time(signsFrom)}`
  console.log(`${key} signs ${when}`)
}

async function withdraw(
  command: 'retire' | 'revoke',
  key: string,
  { lifecycle, record }: KeyParts,
): Promise<void> {
  const result = await (command === 'retire' ? lifecycle.retire(key) : lifecycle.revoke(key))
  if (result.outcome !== 'done') throw new StartFailure(refusal(result, key))
  await record(command === 'retire' ? 'key retired' : 'key revoked')
  console.log(`${key} is ${command === 'retire' ? 'retired' : 'revoked'}`)
}

async function reencryptAll({ database, encryption, record }: KeyParts): Promise<void> {
  const { reencrypt } = await import('../subgraphs/auth/reencrypt.ts')
  const { signingKeys, authenticatorApps, undecryptable } = await reencrypt(database, encryption)
  if (signingKeys + authenticatorApps > 0) await record('keys re-encrypted')
  console.log(`re-encrypted: ${signingKeys} signing keys, ${authenticatorApps} authenticator apps`)
  const [name] = undecryptable
  if (name === undefined) return
  throw new StartFailure(
    `KEY_ENCRYPTION_SECRET does not decrypt ${undecryptable.length} more, such as "${name}": ` +
      'add the secret with which they were encrypted, after a comma, and repeat this',
  )
}

function refusal({ outcome }: KeyOutcome, key: string): string {
  const reasons = {
    'unknown key': `there is no key ${JSON.stringify(key)}: see list`,
    signing: `${key} signs now: rotate first, or revoke it if it was stolen`,
    already: `${key} is retired or revoked already`,
    done: '',
  }
  return reasons[outcome]
}

function claimsKeys(subgraph: string): string[] {
  return readGatewaySecrets().map((secret) =>
    Buffer.from(deriveClaimsKey(secret, subgraph)).toString('base64url'),
  )
}

/** Returns the secret of the gateway, or both during a rotation. */
function readGatewaySecrets(): string[] {
  const settings = readSettings(process.env)
  const secret = settings.secret('GATEWAY_SECRET', () =>
    developmentSecret(settings.dataDirectory, 'gateway-secret'),
  )
  const problem = secret ? problemOfSecrets(secret) : undefined
  if (problem !== undefined) settings.problem(problem)
  settings.refuseProblems()
  return gatewaySecrets(secret)
}

function required(argument: string | undefined, what: string): string {
  if (argument !== undefined) return argument
  throw new StartFailure(`${what} is missing: see --help`)
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
