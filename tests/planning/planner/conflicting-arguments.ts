import { test } from '@jest/globals'
import { federation } from '../../engine/federations.ts'
import { onlyNativeIsRight } from '../../engine/only-native-is-right.ts'

const prices = federation('prices', {
  products: `
    type Query { products: [Product] }
    type Product @key(fields: "upc") { upc: ID! name: String weight: Int price(currency: String): Float }
  `,
  shipping: `
    type Product @key(fields: "upc") {
      upc: ID!
      weight: Int @external
      price(currency: String): Float @external
      inDollars: String @requires(fields: "price(currency: \\"USD\\")")
      inEuros: String @requires(fields: "price(currency: \\"EUR\\")")
      shippingEstimate: String @requires(fields: "weight")
      plain: Int
    }
  `,
})

test('two @requires of one field with different arguments each get their own', async () => {
  await onlyNativeIsRight(prices, '{ products { inDollars inEuros plain } }')
  await onlyNativeIsRight(prices, '{ products { inEuros price(currency: "CHF") inDollars } }')
})
