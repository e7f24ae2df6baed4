import { asObject, asString, elements, property, valueAt } from '../../workload/json.ts';
import { hintsOf, type PayloadReader, type PushedImage, type ReadPayload, refused } from '../hint.ts';

const VALIDATION = 'Microsoft.EventGrid.SubscriptionValidationEvent';
/** The type of the event that Event Grid sends for a push, in either of its schemas. */
export const AZURE_PUSH = 'Microsoft.ContainerRegistry.ImagePushed';
/** Codes are GUIDs. They are sent back, so they must be able to do nothing. */
const CODE = /^[\w-]{1,128}$/;

/**
 * Reads a webhook of Azure's registry
 * (https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference), or the events that Event Grid
 * sends of it, with the handshake (https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema).
 */
export const readAzure: PayloadReader = ({ body, registries }) => {
  if (!Array.isArray(body)) {
    const isCloudEvent = property(body, 'specversion') !== null;
    return isCloudEvent ? readEvents([body], 'type', registries) : readWebhook(body, registries);
  }
  const [first] = elements(body);
  if (property(first, 'eventType') === VALIDATION) {
    const code = asString(valueAt(first, ['data', 'validationCode'])) ?? '';
    return CODE.test(code)
      ? { kind: 'handshake', answer: { validationResponse: code } }
      : refused('its validation code is none');
  }
  return readEvents(body, property(first, 'specversion') === null ? 'eventType' : 'type', registries);
};

/** What one webhook, or the data of one event, says was pushed. */
export function azureImage(data: unknown): PushedImage | null {
  if (property(data, 'action') !== 'push') return null;
  return {
    registry: valueAt(data, ['request', 'host']),
    repository: valueAt(data, ['target', 'repository']),
    tag: valueAt(data, ['target', 'tag']),
  };
}

function readWebhook(body: unknown, registries: readonly string[]): ReadPayload {
  if (asObject(body) === null || asString(property(body, 'action')) === null) return refused('it has no action');
  const image = azureImage(body);
  return hintsOf(image === null ? [] : [image], registries);
}

function readEvents(events: readonly unknown[], type: string, registries: readonly string[]): ReadPayload {
  const images = events.map((event) =>
    property(event, type) === AZURE_PUSH ? azureImage(property(event, 'data')) : null,
  );
  return hintsOf(
    images.filter((image) => image !== null),
    registries,
  );
}
