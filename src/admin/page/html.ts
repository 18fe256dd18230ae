/**
 * Elements of the views as HTML text: the page as it is without JavaScript, and as it is before the first event.
 */

import type { VNode } from './view/node.js';

/** Elements without an end. */
const VOID = new Set(['meta', 'link', 'input', 'br']);

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for a document, also within quotes. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] as string);
}

/** A node and what is in it, escaped. */
export function toHtml(node: VNode): string {
  if (typeof node === 'string') return escape(node);
  const attributes = Object.entries(node.attributes).map(([name, value]) => ` ${name}="${escape(value)}"`);
  const open = `<${node.tag}${attributes.join('')}>`;
  return VOID.has(node.tag) ? open : `${open}${node.children.map(toHtml).join('')}</${node.tag}>`;
}
