"""What AWS itself tells people: the topic that they subscribe to, and who watches the servers."""

from components.notifications.notification_topic import NotificationTopic, NotificationTopicArgs
from components.notifications.service_watch import ServiceWatch, ServiceWatchArgs

__all__ = ["NotificationTopic", "NotificationTopicArgs", "ServiceWatch", "ServiceWatchArgs"]
