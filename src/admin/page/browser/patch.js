/**
 * Makes a part of the document what a view says, touching only what differs: focus, selection and scrolling stay.
 *
 * Children are matched by `data-key` or `id` where they have one, else by place and tag: what comes and goes between others has one. What a person has opened stays open, and what
 * is inside an element with `data-own` belongs to somebody else.
 */

/** @typedef {import('../view/node.js').VElement} VElement */
/** @typedef {import('../view/node.js').VNode} VNode */

const SVG = 'http://www.w3.org/2000/svg';
/** Attributes that the person at the page, or a script, sets. */
const OWN = new Set(['open']);

/**
 * @param {Element} element
 * @param {VElement} view of the same tag
 */
export function patch(element, view) {
  for (const { name } of [...element.attributes]) {
    if (!(name in view.attributes) && !OWN.has(name)) element.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(view.attributes)) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  if (!('data-own' in view.attributes)) patchChildren(element, view.children);
}

/**
 * @param {Element} parent
 * @param {readonly VNode[]} views
 */
function patchChildren(parent, views) {
  const wanted = new Set(views.map((view) => (typeof view === 'string' ? undefined : keyOf(view))));
  /** @type {Map<string, Element>} */
  const keyed = new Map();
  for (const child of [...parent.children]) {
    const key = child.getAttribute('data-key') ?? child.getAttribute('id');
    if (key === null) continue;
    // Gone before the others are placed: one that is moved instead loses the focus, and the click that is being made on it.
    if (wanted.has(key)) keyed.set(key, child);
    else child.remove();
  }
  /** @type {ChildNode | null} */
  let next = parent.firstChild;
  for (const view of views) {
    const match = matchOf(view, next, keyed);
    if (match === null) {
      parent.insertBefore(create(view, parent.namespaceURI), next);
      continue;
    }
    if (match === next) next = next.nextSibling;
    else parent.insertBefore(match, next);
    if (typeof view === 'string') {
      if (match.nodeValue !== view) match.nodeValue = view;
    } else patch(/** @type {Element} */ (match), view);
  }
  while (next !== null) {
    const gone = next;
    next = gone.nextSibling;
    gone.remove();
  }
}

/**
 * @param {VElement} view
 * @returns {string | undefined}
 */
function keyOf({ attributes }) {
  return attributes['data-key'] ?? attributes['id'];
}

/**
 * What is there already for a view; null: nothing.
 * @param {VNode} view
 * @param {ChildNode | null} next
 * @param {ReadonlyMap<string, Element>} keyed
 * @returns {ChildNode | null}
 */
function matchOf(view, next, keyed) {
  if (typeof view === 'string') return next?.nodeType === Node.TEXT_NODE ? next : null;
  const key = keyOf(view);
  if (key !== undefined) {
    const element = keyed.get(key);
    return element?.localName === view.tag ? element : null;
  }
  if (!(next instanceof Element) || next.localName !== view.tag) return null;
  return next.hasAttribute('data-key') || next.hasAttribute('id') ? null : next;
}

/**
 * @param {VNode} view
 * @param {string | null} namespace of the parent
 * @returns {Node}
 */
function create(view, namespace) {
  if (typeof view === 'string') return document.createTextNode(view);
  const space = view.tag === 'svg' ? SVG : namespace;
  const element = document.createElementNS(space, view.tag);
  for (const [name, value] of Object.entries(view.attributes)) element.setAttribute(name, value);
  for (const child of view.children) element.append(create(child, space));
  return element;
}
