/** A supergraph in a file, with its signature in a file beside it. */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { productCommand } from '../../subgraphs/kit/process/product-command.ts'
import type { ServedRecord, SupergraphReading, SupergraphSource } from './supergraph-source.ts'
import { watchSupergraph } from './watch-supergraph.ts'

/** Returns the source that follows the file of that name. */
export function supergraphFile(path: string, record: ServedRecord): SupergraphSource {
  const signaturePath = `${path}.jws`
  return {
    name: path,
    mayComeLater: false,
    read() {
      const bytes = readIfThere(path)
      if (bytes === undefined)
        return unreadable(`cannot be read: make it with \`${productCommand('compose')}\``)
      if (!isUtf8(bytes))
        return unreadable(`is not UTF-8: make it anew with \`${productCommand('compose')}\``)
      const signature = readIfThere(signaturePath)?.toString('utf8')
      return { outcome: 'read', copy: { text: bytes.toString('utf8'), signature } }
    },
    watch(onChange) {
      const stops = [path, signaturePath].map((file) => watchSupergraph(file, onChange))
      return () => stops.forEach((stop) => stop())
    },
    record,
  }

  function unreadable(fault: string): SupergraphReading {
    const sentence = `the supergraph ${path} ${fault}`
    return { outcome: 'unreadable', sentence, isReported: false }
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}
