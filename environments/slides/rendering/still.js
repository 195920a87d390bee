// Runs once inside the page, before it is looked at: from here on nothing in it moves, and no rule of it can
// tell that it is being measured, so all that is measured is measured of the page that is photographed.
// Names that a page gives to its elements can shadow the properties of `document` and of a form: the tree is
// reached through prototypes, and the names go.
() => {
  const query = (selector) => [...Document.prototype.querySelectorAll.call(document, selector)];
  // Among them filters of drawings: they can turn what is hidden into what is shown.
  const REMOVED = "iframe, frame, object, embed, noscript, script, canvas, video, audio, template, dialog, " +
    "marquee, progress, input, textarea, select, animate, animateMotion, animateTransform, set, discard, filter";
  const KEPT = new Set([
    "CSSStyleRule", "CSSNestedDeclarations", "CSSMediaRule", "CSSSupportsRule", "CSSLayerBlockRule",
    "CSSLayerStatementRule", "CSSScopeRule", "CSSNamespaceRule", "CSSCounterStyleRule", "CSSPropertyRule",
  ]); // not those that move, load, or ask how large something is
  const MOVING = ["animation", "transition", "animation-timeline", "scroll-timeline", "view-timeline"];
  const STYLE_SELECTOR = /\[(?:[^\]"'=]*\|)?\s*style(?![\w-])/i;
  const ASKING = /(?<![\w-])(?:attr\((?!\s*data-[\w-]+\s*[,)])|if\(|inherit\(|perspective\()/i;

  const removeAll = () => {
    query(REMOVED).forEach((element) => Element.prototype.remove.call(element));
    query("[name]").forEach((element) => Element.prototype.removeAttribute.call(element, "name"));
    query("form").forEach((form) =>
      Element.prototype.replaceWith.call(form, ...Array.from(
        Object.getOwnPropertyDescriptor(Node.prototype, "childNodes").get.call(form))));
  };

  const unescaped = (css) => css
    .replace(/\\([0-9a-f]{1,6})\s?/gi, (_, code) => String.fromCodePoint(Math.min(parseInt(code, 16), 0x10ffff)))
    .replaceAll("\\", "");
  const asks = (css) => ASKING.test(unescaped(css));

  // A value that is empty belongs to a shorthand with variables, which shows nowhere but in the whole text.
  const calm = (style) => {
    for (const name of [...MOVING, "perspective"]) style.removeProperty(name);
    if (!asks(style.cssText)) return;
    for (const name of [...style]) {
      const value = style.getPropertyValue(name);
      if (value === "" || asks(value)) style.removeProperty(name);
    }
  };

  const decided = (media) => {
    const holds = media.mediaText === "" || matchMedia(media.mediaText).matches;
    if (holds) media.mediaText = "all";
    return holds;
  };

  const keeps = (rule) => KEPT.has(rule.constructor.name) && (!rule.media || decided(rule.media)) &&
    !STYLE_SELECTOR.test(rule.selectorText ?? `${rule.start} ${rule.end}`);

  const still = (owner) => {
    for (let place = owner.cssRules.length - 1; place >= 0; place--) {
      const rule = owner.cssRules[place];
      if (!keeps(rule)) {
        owner.deleteRule(place);
        continue;
      }
      if (rule.style) calm(rule.style);
      if (rule.cssRules) still(rule);
    }
  };

  // One from elsewhere, or nested without end, cannot be read: it counts for nothing.
  const read = (sheet) => {
    try {
      still(sheet);
      return true;
    } catch {
      return false;
    }
  };

  removeAll();
  for (const sheet of document.styleSheets) sheet.disabled = !decided(sheet.media) || !read(sheet);
  query("[style]").forEach((element) => calm(element.style));
  query("svg, svg *").forEach((element) => [...element.attributes].forEach((attribute) =>
    attribute.name !== "style" && asks(attribute.value) && element.removeAttributeNode(attribute)));
}
