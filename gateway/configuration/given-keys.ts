/** Keys in the configuration, or in a file that it names, are checked before the gateway starts. */
import { readFileSync } from 'node:fs'
import { withAliases } from '../authentication/algorithms.ts'
import type { KeyPlace } from '../authentication/key-source.ts'
import { readKeySet } from '../authentication/read-key-set.ts'

interface IssuerKeys {
  readonly keys: KeyPlace | undefined
  readonly algorithms: readonly string[]
  readonly requireKeyId: boolean
}

/** Reports every given key set that cannot verify a single token. */
export function checkGivenKeys(
  issuers: readonly IssuerKeys[],
  problem: (path: readonly PropertyKey[], message: string) => void,
): void {
  issuers.forEach(({ keys, algorithms, requireKeyId }, index) => {
    if (keys?.kind !== 'file' && keys?.kind !== 'inline') return
    const path = ['authentication', 'issuers', index, keys.kind === 'file' ? 'jwks_file' : 'jwks']
    try {
      const document =
        keys.kind === 'file'
          ? JSON.parse(new TextDecoder().decode(readFileSync(keys.path)))
          : keys.document
      const passedOver: string[] = []
      const set = readKeySet(document, {
        algorithms: withAliases(algorithms),
        symmetric: true,
        keyIdRequired: requireKeyId,
        warn: (keyId, why) => passedOver.push(`${keyId ?? 'a key'} ${why}`),
      })
      if (set.size > 0) return
      problem(path, `has no usable key (${passedOver.join('; ') || 'it is empty'})`)
    } catch (cause) {
      problem(path, `cannot be used: ${describe(cause)}`)
    }
  })
}

/** Leaves out the message of JSON.parse: it quotes the text, which may be a key. */
function describe(cause: unknown): string {
  if (cause instanceof SyntaxError) return 'not JSON'
  return (cause as NodeJS.ErrnoException).code ?? (cause as Error).message
}
