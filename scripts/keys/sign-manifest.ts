import { readFile, writeFile } from 'node:fs/promises'
import { readManifest } from '../../gateway/operations/read-manifest.ts'
import { runToCompletion } from '../../gateway/slices.ts'
import { signedManifest } from '../../gateway/supergraph/verify-signature.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { readSigner, signatureFile } from '../compose/sign-supergraph.ts'

/** Writes the signature of a manifest to a file beside it. A manifest that a gateway would refuse is a StartFailure. */
export async function signManifest(path: string, keyFile: string): Promise<void> {
  const signer = await readSigner(keyFile)
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new StartFailure(`the manifest ${path} cannot be read (${cause.code})`, { cause })
  })
  try {
    runToCompletion(readManifest(bytes))
  } catch (cause) {
    throw new StartFailure(`the manifest ${path} ${(cause as Error).message}`, { cause })
  }
  const { signature, keyId } = await signer.sign(bytes.toString(), 0, signedManifest)
  await writeFile(signatureFile(path), signature)
  console.log(`signed with the key ${keyId}: ${signatureFile(path)}`)
}
