/**
 * Elements as plain data: what a view is made of, before it is text (on the server) or part of a document (in a browser).
 *
 * Text is text wherever it ends up: the server escapes it, the browser sets it as a text node. So nothing that comes from a
 * configuration or from traffic can become markup. Names of tags and attributes are constants of the views.
 */

/**
 * @typedef {object} VElement
 * @property {string} tag
 * @property {Readonly<Record<string, string>>} attributes
 * @property {readonly VNode[]} children
 */
/** @typedef {VElement | string} VNode */
/** @typedef {VNode | number | null | false | readonly Child[]} Child */

/**
 * An element. Attributes that are null or false are left out, true is an empty value; neighboring texts become one, as a
 * document has them.
 * @param {string} tag
 * @param {Readonly<Record<string, string | number | boolean | null>>} [attributes]
 * @param {...Child} children
 * @returns {VElement}
 */
export function h(tag, attributes = {}, ...children) {
  /** @type {Record<string, string>} */
  const kept = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) kept[name] = value === true ? '' : String(value);
  }
  /** @type {VNode[]} */
  const nodes = [];
  append(nodes, children);
  return { tag, attributes: kept, children: nodes };
}

/**
 * @param {VNode[]} nodes
 * @param {readonly Child[]} children
 */
function append(nodes, children) {
  for (const child of children) {
    if (child === null || child === false || child === '') continue;
    if (Array.isArray(child)) append(nodes, child);
    else if (typeof child === 'object') nodes.push(/** @type {VElement} */ (child));
    else appendText(nodes, String(child));
  }
}

/**
 * @param {VNode[]} nodes
 * @param {string} text
 */
function appendText(nodes, text) {
  const last = nodes.at(-1);
  if (typeof last === 'string') nodes[nodes.length - 1] = last + text;
  else nodes.push(text);
}
