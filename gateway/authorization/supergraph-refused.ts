/** Thrown when a supergraph cannot be enforced; the message is a sentence about it, for the operator. */
export class SupergraphRefused extends Error {
  override name = 'SupergraphRefused'
}
