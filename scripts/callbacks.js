/** Methods that hand a callback to an emitter, with the position of the callback. */
const SUBSCRIBING = new Map(['on', 'once', 'addListener', 'prependListener', 'prependOnceListener', 'addEventListener'].map((name) => [name, 1]))
/** Functions that call back later, with the position of the callback. */
const LATER = new Map(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map((name) => [name, 0]))

const isSafely = (node) => node?.type === 'CallExpression' && node.callee.type === 'Identifier' && node.callee.name === 'safely'

/** `() => undefined` and `() => {}`. */
const isEmpty = (node) => node?.type === 'ArrowFunctionExpression' && (
  (node.body.type === 'Identifier' && node.body.name === 'undefined') || (node.body.type === 'BlockStatement' && node.body.body.length === 0))

/** `resolve` and `reject` of `new Promise((resolve, reject) => …)` cannot throw. */
const isSettler = ({ defs }) => defs.some(({ type, node }) => type === 'Parameter' && node.parent.type === 'NewExpression' && node.parent.callee.name === 'Promise')

const nameOf = (node) => node?.type === 'Identifier' || node?.type === 'PrivateIdentifier' ? node.name : undefined

/**
 * The rule that every callback given to a stream, socket, server, timer or emitter goes through
 * `safely()`: Node ends the process when one of them throws. Accepted are `safely(…)` itself, a constant
 * or a class field that was made by it, functions that do nothing, and `this` where its `handleEvent` is a
 * single call of one of these.
 */
const callbacks = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const { sourceCode } = context
    const variable = (node) => {
      for (let scope = sourceCode.getScope(node); scope !== null; scope = scope.upper) {
        const found = scope.set.get(node.name)
        if (found !== undefined) return found
      }
      return undefined
    }
    const field = (node) => {
      if (node.object.type !== 'ThisExpression') return undefined
      const body = sourceCode.getAncestors(node).findLast(({ type }) => type === 'ClassBody')
      return body?.body.find((member) => member.type === 'PropertyDefinition' && nameOf(member.key) === nameOf(node.property))
    }
    /** `this` as a listener: its `handleEvent`. */
    const handlesSafely = (node) => {
      const body = sourceCode.getAncestors(node).findLast(({ type }) => type === 'ClassBody')
      const [only, ...more] = body?.body.find(({ type, key }) => type === 'MethodDefinition' && nameOf(key) === 'handleEvent')?.value.body.body ?? []
      return more.length === 0 && only?.type === 'ExpressionStatement' && only.expression.type === 'CallExpression' && isSafe(only.expression.callee)
    }
    const isSafe = (node) => {
      if (node?.type === 'ThisExpression') return handlesSafely(node)
      if (isSafely(node) || isEmpty(node)) return true
      if (node?.type === 'MemberExpression') return isSafely(field(node)?.value)
      if (node?.type !== 'Identifier') return false
      const found = variable(node)
      return found !== undefined && (isSettler(found) || found.defs.some((def) => isSafely(def.node.init)))
    }
    return {
      CallExpression(node) {
        const { callee, arguments: given } = node
        const name = callee.type === 'MemberExpression' ? nameOf(callee.property) : nameOf(callee)
        const at = (callee.type === 'MemberExpression' ? SUBSCRIBING : LATER).get(name)
        const callback = at === undefined ? undefined : given[at]
        if (callback !== undefined && !isSafe(callback)) {
          context.report({ node: callback, message: `wrap the callback given to ${name}() in safely(): if it throws, the process ends` })
        }
      }
    }
  }
}

export default { rules: { callbacks } }
